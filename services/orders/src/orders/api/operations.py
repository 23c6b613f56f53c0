"""What all routes have in common: their callers, and their names in the OpenAPI document."""

from typing import Annotated

from fastapi import Depends, Security

from shared.identity import Admin, Principal, signed_in

Reader = Annotated[Principal, Security(signed_in, scopes=["orders:read"])]
"""Who may read orders."""

Writer = Annotated[Principal, Security(signed_in, scopes=["orders:write"])]
"""Who may place, pay and lead orders."""


async def _catalogue_admin(principal: Admin, _writer: Writer) -> Principal:
    return principal


CatalogueAdmin = Annotated[Principal, Depends(_catalogue_admin)]
"""An admin whose token may write."""
