"""A version of a service's API: its routes under ``/api/<version>``."""

from collections.abc import Iterable

from fastapi import APIRouter
from fastapi.routing import APIRoute


def create_version(version: str, routers: Iterable[APIRouter]) -> APIRouter:
    """Mount these routes as a version.

    Operations are named by function and version (``place_order_v1``), so that they are unique in one
    document of all versions.
    """

    def operation_id(route: APIRoute) -> str:
        return f"{route.name}_{version}"

    mounted = APIRouter(prefix=f"/api/{version}", generate_unique_id_function=operation_id)
    for router in routers:
        mounted.include_router(router)
    return mounted
