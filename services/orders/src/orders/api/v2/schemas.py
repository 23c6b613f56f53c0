"""Bodies of version 2: those of version 1 with links."""

from typing import Self

from pydantic import BaseModel, Field

from orders.api.v1.schemas import OrderV1, ProductV1
from orders.domain.orders import NOBODY, Order
from orders.domain.products import Product


class ProductLinks(BaseModel):
    """Where to go from a product."""

    self_: str = Field(serialization_alias="self", examples=["/api/v2/products/1"])


class ProductV2(ProductV1):
    """A product with links."""

    links: ProductLinks

    @classmethod
    def of(cls, product: Product) -> Self:
        """The body for a product."""
        known = ProductV1.of(product).model_dump()
        return cls(**known, links=ProductLinks(self_=f"/api/v2/products/{product.id}"))


class OrderLinks(BaseModel):
    """Where to go from an order."""

    self_: str = Field(serialization_alias="self", examples=["/api/v2/orders/1"])
    payments: str = Field(examples=["/api/v2/orders/1/payments"])
    user: str | None = Field(examples=["/api/v2/users/1"], description="Null when the customer was deleted.")


class OrderV2(OrderV1):
    """An order with links."""

    links: OrderLinks

    @classmethod
    def of(cls, order: Order) -> Self:
        """The body for an order."""
        known = OrderV1.of(order).model_dump()
        here = f"/api/v2/orders/{order.id}"
        user = f"/api/v2/users/{order.user_id}" if order.user_id != NOBODY else None
        links = OrderLinks(self_=here, payments=f"{here}/payments", user=user)
        return cls(**known, links=links)
