"""Version 2 of the API: version 1 with ``links`` on products and orders."""

from orders.api.v1.orders import orders_router
from orders.api.v1.payments import payments_router
from orders.api.v1.products import products_router
from orders.api.v1.user_orders import user_orders_router
from orders.api.v2.schemas import OrderV2, ProductV2
from shared.web import create_version

router = create_version(
    "v2",
    (
        products_router(ProductV2),
        orders_router(OrderV2),
        payments_router(),
        user_orders_router(OrderV2),
    ),
)
