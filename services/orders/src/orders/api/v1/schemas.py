"""Bodies of version 1."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Self

from pydantic import BaseModel, Field

from orders.api.v1.fields import BodyId, Currency, Description, Money, Price, ProductName, Sku, Stock
from orders.domain.cart import MAX_QUANTITY
from orders.domain.orders import Order, OrderStatus
from orders.domain.payments import Payment, PaymentMethod, PaymentStatus
from orders.domain.products import Product, ProductFields
from shared.web import RequestBody


class ProductInput(RequestBody):
    """A product as an admin gives it, whole."""

    sku: Sku
    name: ProductName
    description: Description = ""
    price: Price
    currency: Currency = "EUR"
    stock: Stock

    def fields(self) -> ProductFields:
        """The same for the domain."""
        return ProductFields(**self.model_dump())


class ProductPatch(RequestBody):
    """The fields of a product that change; the defaults only say that a field may be left out."""

    sku: Sku = Field(default_factory=str)
    name: ProductName = Field(default_factory=str)
    description: Description = Field(default_factory=str)
    price: Price = Field(default_factory=Decimal)
    currency: Currency = Field(default_factory=str)
    stock: Stock = Field(default_factory=int)

    def applied_to(self, product: Product) -> ProductFields:
        """The product's fields with those that were sent in place of the old ones."""
        old = {name: getattr(product, name) for name in ProductFields.__dataclass_fields__}
        return ProductFields(**{**old, **self.model_dump(exclude_unset=True)})


class ProductV1(BaseModel):
    """A product."""

    id: int
    sku: str
    name: str
    description: str
    price: Money
    currency: str
    stock: int

    @classmethod
    def of(cls, product: Product) -> Self:
        """The body for a product."""
        return cls.model_validate(product, from_attributes=True)


class OrderLine(RequestBody):
    """A product and how many of it."""

    product_id: BodyId
    quantity: Annotated[int, Field(strict=True, ge=1, le=MAX_QUANTITY)]


class OrderInput(RequestBody):
    """What is ordered; lines of the same product are added up."""

    items: Annotated[list[OrderLine], Field(min_length=1, max_length=100)]


class OrderPatch(RequestBody):
    """The status that the order shall have."""

    status: OrderStatus


class OrderItemBody(BaseModel):
    """A product as it was when the order was placed, and how many."""

    product_id: int
    sku: str
    name: str
    quantity: int
    unit_price: Money


class OrderV1(BaseModel):
    """An order."""

    id: int
    user_id: int = Field(description="-1 when the customer was deleted.")
    status: OrderStatus
    items: list[OrderItemBody]
    total: Money
    currency: str
    created_at: datetime

    @classmethod
    def of(cls, order: Order) -> Self:
        """The body for an order."""
        return cls.model_validate(order, from_attributes=True)


class PaymentInput(RequestBody):
    """How to pay."""

    method: PaymentMethod = PaymentMethod.CARD


class PaymentBody(BaseModel):
    """One attempt to pay."""

    id: int
    order_id: int
    status: PaymentStatus
    method: PaymentMethod
    amount: Money
    currency: str
    created_at: datetime

    @classmethod
    def of(cls, payment: Payment) -> Self:
        """The body for a payment."""
        return cls.model_validate(payment, from_attributes=True)
