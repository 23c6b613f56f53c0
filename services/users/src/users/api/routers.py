"""All routes: v1, v2 (v1 again but for one route), and what has no version."""

from fastapi import APIRouter
from fastapi.routing import APIRoute

from users.api import internal, well_known
from users.api.v1 import api_keys, auth, sessions
from users.api.v1 import users as users_v1
from users.api.v2 import users as users_v2


def create_routers() -> list[APIRouter]:
    """Routers to include in the application."""
    return [
        _version("v1", users_v1.router, users_v1.single_router),
        _version("v2", users_v1.router, users_v2.single_router),
        internal.router,
        well_known.router,
    ]


def _version(version: str, *own: APIRouter) -> APIRouter:
    def operation_id(route: APIRoute) -> str:
        return f"{route.name}_{version}"

    router = APIRouter(prefix=f"/api/{version}", generate_unique_id_function=operation_id)
    # /users/me stands before /users/{user_id}, which would take "me" for an id.
    for part in (auth.router, sessions.router, api_keys.router, *own):
        router.include_router(part)
    return router
