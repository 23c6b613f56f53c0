"""The FastAPI app of the control plane: what it is made of."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp

from gateway.console import endpoints
from gateway.control import documentation, health, metrics, pages
from gateway.control.errors import install_error_handlers
from gateway.control.standing import Standing

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[dict[str, Any]]]


def create_control_app(lifespan: Lifespan) -> ASGIApp:
    """``lifespan`` yields the state that the data plane's connections get too."""
    app = FastAPI(title="Gatehouse gateway", lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None)
    install_error_handlers(app)
    app.include_router(health.router)
    app.include_router(metrics.router)
    app.include_router(documentation.router)
    app.include_router(pages.router)
    app.include_router(endpoints.router)
    return Standing(app)
