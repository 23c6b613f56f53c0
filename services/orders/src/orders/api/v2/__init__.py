"""Version 2 of the API: version 1 with ``links`` on products and orders."""

from fastapi import APIRouter

from orders.api.operations import operation_ids
from orders.api.v1.orders import orders_router
from orders.api.v1.payments import payments_router
from orders.api.v1.products import products_router
from orders.api.v1.user_orders import user_orders_router
from orders.api.v2.schemas import OrderV2, ProductV2

router = APIRouter(prefix="/api/v2", generate_unique_id_function=operation_ids("v2"))
for part in (
    products_router(ProductV2),
    orders_router(OrderV2),
    payments_router(),
    user_orders_router(OrderV2),
):
    router.include_router(part)
