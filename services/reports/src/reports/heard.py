"""What we take of others' events, each field within what it can be.

Unknown fields are ignored: a newer producer may say more. What is beyond its bounds is forged or broken, and
raises ValidationError, which parks the event at once.
"""

import re
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field, StringConstraints, model_validator

_STEP_OF = {"pending": "placed"}
_MONEY = re.compile(r"[0-9]{1,10}\.[0-9]{2}", re.ASCII)


def _money(value: Any) -> Decimal:
    if not isinstance(value, str) or not _MONEY.fullmatch(value):
        raise ValueError("Input should be money as a decimal string, such as 9.99")
    return Decimal(value)


def _is_text(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError("Input should be a time in RFC 3339")  # noqa: TRY004 - pydantic wants a ValueError
    return value


Money = Annotated[Decimal, BeforeValidator(_money)]
Moment = Annotated[AwareDatetime, BeforeValidator(_is_text)]
Id = Annotated[int, Field(strict=True, ge=1, le=2**63 - 1)]
Owner = Id | Literal[-1]
"""A user, or nobody: -1, when the customer was deleted."""

Version = Annotated[int, Field(strict=True, ge=1, le=2**31 - 1)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=10_000, pattern=r"^[^\x00]*$")]


class HeardItem(BaseModel):
    """A position of an order."""

    product_id: Id
    sku: Text
    name: Text
    quantity: Annotated[int, Field(strict=True, ge=1, le=1000)]
    unit_price: Money


class HeardOrder(BaseModel):
    """An order after one of its steps; ``step`` is the type of its event."""

    step: str
    id: Id
    user_id: Owner
    status: Literal["pending", "paid", "shipped", "delivered", "cancelled"]
    items: Annotated[list[HeardItem], Field(min_length=1, max_length=100)]
    total: Money
    currency: Currency
    created_at: Moment
    updated_at: Moment
    version: Version

    @model_validator(mode="after")
    def _is_the_step_told_of(self) -> Self:
        if self.step.split(".")[1] != _STEP_OF.get(self.status, self.status):
            raise ValueError(f"{self.step} of an order that is {self.status}")
        return self


class HeardUser(BaseModel):
    """A user after a change; the e-mail is for mail on reports, and one who is not active gets nothing of us."""

    id: Id
    name: Text
    email: Annotated[str, StringConstraints(min_length=3, max_length=254, pattern=r"^[^\x00\r\n]+$")]
    role: Text
    active: Annotated[bool, Field(strict=True)] = True
    created_at: Moment
    version: Version


class HeardDeletedUser(BaseModel):
    """A user who is gone."""

    id: Id
    version: Version


class HeardProduct(BaseModel):
    """A product after a change."""

    id: Id
    sku: Text
    name: Text
    price: Money
    currency: Currency
    stock: Annotated[int, Field(strict=True, ge=0, le=2**31 - 1)]
    deleted: Annotated[bool, Field(strict=True)]
    version: Version
