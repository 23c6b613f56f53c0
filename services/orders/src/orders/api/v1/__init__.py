"""Version 1 of the API."""

from fastapi import APIRouter

from orders.api.operations import operation_ids
from orders.api.v1.orders import orders_router
from orders.api.v1.payments import payments_router
from orders.api.v1.products import products_router
from orders.api.v1.user_orders import user_orders_router

router = APIRouter(prefix="/api/v1", generate_unique_id_function=operation_ids("v1"))
for part in (products_router(), orders_router(), payments_router(), user_orders_router()):
    router.include_router(part)
