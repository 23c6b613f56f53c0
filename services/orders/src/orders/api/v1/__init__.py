"""Version 1 of the API."""

from orders.api.v1.orders import orders_router
from orders.api.v1.payments import payments_router
from orders.api.v1.products import products_router
from orders.api.v1.user_orders import user_orders_router
from shared.web import create_version

router = create_version("v1", (products_router(), orders_router(), payments_router(), user_orders_router()))
