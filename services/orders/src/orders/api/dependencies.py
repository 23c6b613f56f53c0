"""What an endpoint asks for by type: its caller, the payment provider."""

from typing import Annotated

from fastapi import Depends, Request, Security

from orders.domain.payments import PaymentProvider
from orders.resources import ImportResources, OrdersResources
from shared.identity import Admin, Principal, signed_in
from shared.web import get_resources

Reader = Annotated[Principal, Security(signed_in, scopes=["orders:read"])]
"""Who may read orders."""

Writer = Annotated[Principal, Security(signed_in, scopes=["orders:write"])]
"""Who may place, pay and lead orders."""


async def _catalogue_admin(principal: Admin, _writer: Writer) -> Principal:
    return principal


CatalogueAdmin = Annotated[Principal, Depends(_catalogue_admin)]
"""An admin whose token may write."""


async def _provider(request: Request) -> PaymentProvider:
    own: OrdersResources = get_resources(request).service
    return own.provider


Provider = Annotated[PaymentProvider, Depends(_provider)]
"""The payment provider."""


async def _imports(request: Request) -> ImportResources:
    own: OrdersResources = get_resources(request).service
    return own.imports


Imports = Annotated[ImportResources, Depends(_imports)]
"""Where imported files lie, and how many may wait."""
