"""The application every service is made by: reads as a list of what a service is made of."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from fastapi import APIRouter, Depends, FastAPI
from redis.asyncio import Redis

from shared.http import create_http_client
from shared.identity.jwks import KeySource, RemoteKeys
from shared.identity.revocations import RevokedTokens
from shared.identity.verifier import TokenVerifier
from shared.logs import configure_logs
from shared.loop_lag import loop_lag_measured
from shared.messaging.wake import RelayWaker
from shared.postgres import Database, Replica, ready_schema
from shared.redis_client import create_redis
from shared.settings import ServiceSettings, UnusableSettingError
from shared.telemetry import configure_telemetry, trace_application
from shared.web.content_type import require_json
from shared.web.deadline import CancelAtDeadline
from shared.web.hangup import CancelOnHangUp
from shared.web.head import HeadAsGet
from shared.web.health import Check, health_router
from shared.web.observe import ObserveRequests, metrics
from shared.web.openapi import describe
from shared.web.problem_handlers import install_problem_handlers
from shared.web.resources import Resources
from shared.web.unsampled import skip_unsampled

ServiceLifespan: TypeAlias = Callable[[Resources], AbstractAsyncContextManager[Any]]
"""Opens what only this service holds; what it yields is ``Resources.service``."""


def create_app(
    service: str,
    settings: ServiceSettings,
    *,
    version: str,
    migrations: Sequence[Path],
    routers: Sequence[APIRouter] = (),
    bare_routers: Sequence[APIRouter] = (),
    lifespan: ServiceLifespan | None = None,
    keys: KeySource | None = None,
    checks: Mapping[str, Callable[[Resources], Awaitable[bool]]] | None = None,
    role: str = "api",
) -> FastAPI:
    """Make a service's application.

    ``routers`` take JSON bodies only; ``bare_routers`` look after their own. ``keys`` are those that
    tokens are verified with, by default the ones that ``JWKS_URL`` serves. ``checks`` are further
    dependencies that the service is not ready without.

    Raises UnusableSettingError when nothing says where the keys are for routes that may ask for a token.
    """
    if routers and keys is None and not settings.tokens.jwks_url:
        raise UnusableSettingError("JWKS_URL: it is missing, and without it no token can be verified")
    configure_logs(service, settings.telemetry.log_level)
    provider = configure_telemetry(service, role, settings.telemetry)
    database = Database(settings.postgres, application_name=f"{service}-{role}")
    replica = Replica(database, settings.postgres, settings.replica, application_name=f"{service}-{role}")
    redis = create_redis(settings.redis)
    draining = asyncio.Event()

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        await database.open()
        try:
            await ready_schema(database, settings.postgres, service, migrations)
            revoked = RevokedTokens(redis)
            async with (
                loop_lag_measured(),
                create_http_client() as http,
                RelayWaker(database).running(),
                revoked.running(),
                replica.running(),
            ):
                source = keys or RemoteKeys(settings.tokens.jwks_url, http)
                verifier = TokenVerifier(settings.tokens, source, revoked)
                resources = Resources(settings, database, redis, verifier, replica, draining)
                app.state.resources = resources
                if lifespan is None:
                    yield
                else:
                    async with lifespan(resources) as own:
                        app.state.resources = replace(resources, service=own)
                        yield
        finally:
            await redis.aclose()
            await database.close()
            await asyncio.to_thread(provider.shutdown)

    app = FastAPI(
        title=service,
        version=version,
        lifespan=running,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,  # the redirect would name this process's own host
    )
    app.state.draining = draining
    app.add_middleware(CancelAtDeadline)
    app.add_middleware(CancelOnHangUp)
    app.add_middleware(ObserveRequests)
    app.add_middleware(HeadAsGet)
    install_problem_handlers(app)
    for router in routers:
        app.include_router(router, dependencies=[Depends(require_json)])
    for router in bare_routers:
        app.include_router(router)
    needed: dict[str, Check] = {"postgres": database.healthy, **_bind(app, checks or {})}
    app.include_router(health_router(needed, {"redis": partial(_answers, redis)}, draining))
    app.add_api_route("/metrics", metrics, include_in_schema=False)
    describe(app)
    trace_application(app, provider)
    skip_unsampled(app, settings.telemetry)
    return app


def _bind(app: FastAPI, checks: Mapping[str, Callable[[Resources], Awaitable[bool]]]) -> dict[str, Check]:
    def bound(check: Callable[[Resources], Awaitable[bool]]) -> Check:
        return lambda: check(app.state.resources)

    return {name: bound(check) for name, check in checks.items()}


async def _answers(redis: Redis) -> bool:
    return bool(await redis.ping())
