"""What only this service holds."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from orders.domain.payments import PaymentProvider
from shared.web import get_resources


@dataclass(frozen=True)
class OrdersResources:
    """``Resources.service`` of the orders service."""

    provider: PaymentProvider


async def _provider(request: Request) -> PaymentProvider:
    own: OrdersResources = get_resources(request).service
    return own.provider


Provider = Annotated[PaymentProvider, Depends(_provider)]
"""The payment provider, for an endpoint that asks for it."""
