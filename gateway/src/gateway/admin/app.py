"""The admin view's paths. Each answer tells of every worker, for any of them may be the one that is asked."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import FastAPI, HTTPException, Request, Response
from starlette.types import ASGIApp

from gateway.admin.guard import Guard
from gateway.admin.page import render
from gateway.admin.state import PARTS
from gateway.control.errors import install_error_handlers
from gateway.runtime import Gateway

_RELOAD_SECONDS = 10.0
_READ = ["GET", "HEAD"]


def create_admin_app(gateway: Gateway) -> ASGIApp:
    """For ``gateway`` and its siblings."""
    app = FastAPI(title="Gatehouse admin", openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    install_error_handlers(app)

    @app.api_route("/admin", methods=_READ)
    @app.api_route("/", methods=_READ)
    async def page() -> Response:
        """For people."""
        return Response(render(await gateway.team.everyone("state", parts=[])), media_type="text/html")

    @app.api_route("/admin/page.css", methods=_READ)
    async def style() -> Response:
        return Response(_STYLE, media_type="text/css")

    @app.api_route("/admin/state", methods=_READ)
    async def whole() -> Response:
        """All there is to know."""
        return _json({"workers": await gateway.team.everyone("state", parts=[])})

    @app.api_route("/admin/{part}", methods=_READ)
    async def one(part: str) -> Response:
        """One part of it."""
        if part not in PARTS:
            raise HTTPException(404, "No such path.")
        return _json({"workers": await gateway.team.everyone("state", parts=[part])})

    @app.post("/admin/reload")
    async def reload(request: Request) -> Response:  # noqa: ARG001 - what is sent along is not read
        """Read the routes file again, in every worker: 200 when each took it, else 409 with what is wrong."""
        workers = await gateway.team.everyone("reload", _RELOAD_SECONDS)
        taken = all(worker["answer"] and worker["answer"]["taken"] for worker in workers)
        return _json({"taken": taken, "workers": workers}, 200 if taken else 409)

    @app.delete("/admin/cache")
    async def purge(prefix: str = "") -> Response:
        """Forget the kept answers of all paths that begin with ``prefix`` (as forwarded: with their version)."""
        if not prefix.startswith("/"):
            raise HTTPException(400, "prefix is a path, such as /api/v1/products; / is everything.")
        workers = await gateway.team.everyone("purge", prefix=prefix)
        return _json({"purged": sum(worker["answer"] or 0 for worker in workers), "workers": workers})

    return Guard(app, gateway.settings)


def _json(value: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(value, option=orjson.OPT_INDENT_2), status, media_type="application/json")


_STYLE = """
body { font: 14px/1.4 system-ui, sans-serif; margin: 2rem; color: #1a1a1a; background: #fff }
table { border-collapse: collapse; margin: .5rem 0 1.5rem } td, th { border: 1px solid #ccc; padding: .2rem .6rem }
th { text-align: left; background: #f3f4f6 } td { vertical-align: top; font-variant-numeric: tabular-nums }
"""
