"""All routes: v1, and v2 (v1 again with links on products and orders)."""

from fastapi import APIRouter

from orders.api.v1.imports import imports_router
from orders.api.v1.orders import orders_router
from orders.api.v1.payments import payments_router
from orders.api.v1.products import products_router
from orders.api.v1.user_orders import user_orders_router
from orders.api.v2.schemas import OrderV2, ProductV2
from shared.web import create_version


def create_routers() -> list[APIRouter]:
    """Routers to include in the application."""
    return [
        create_version("v1", (products_router(), orders_router(), payments_router(), user_orders_router())),
        create_version(
            "v2", (products_router(ProductV2), orders_router(OrderV2), payments_router(), user_orders_router(OrderV2))
        ),
    ]


def create_file_routers() -> list[APIRouter]:
    """Routers that take other bodies than JSON: the same in both versions."""
    return [create_version(version, (imports_router(),)) for version in ("v1", "v2")]
