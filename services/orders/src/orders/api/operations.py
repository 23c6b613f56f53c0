"""What all routes have in common: their callers, and their names in the OpenAPI document."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, Security
from fastapi.routing import APIRoute

from shared.identity import Admin, Principal, signed_in
from shared.web import PageQuery
from shared.web.pagination import page_query

Reader = Annotated[Principal, Security(signed_in, scopes=["orders:read"])]
"""Who may read orders."""

Writer = Annotated[Principal, Security(signed_in, scopes=["orders:write"])]
"""Who may place, pay and lead orders."""


async def _catalogue_admin(principal: Admin, _writer: Writer) -> Principal:
    return principal


CatalogueAdmin = Annotated[Principal, Depends(_catalogue_admin)]
"""An admin whose token may write."""

Paging = Annotated[PageQuery, Depends(page_query)]
"""``?page&page_size``."""

NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "It is as If-None-Match says."}}
"""The answer to a conditional read, for the OpenAPI document."""


def operation_ids(version: str) -> Callable[[APIRoute], str]:
    """Name operations by function and version, so that they are unique in one document of both."""
    return lambda route: f"{route.name}_{version}"
