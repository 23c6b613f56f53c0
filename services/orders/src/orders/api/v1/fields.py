"""The shapes of single fields, as the contract words them."""

from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, StringConstraints, WithJsonSchema

from orders.domain.products import MAX_STOCK
from shared.web.fields import BIGINT_MAX


def _no_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("A text holds no NUL character.")
    return text


def _read_price(value: object) -> Decimal:
    # A JSON number is refused: it would have been a binary float on the way here.
    whole, _, cents = value.partition(".") if isinstance(value, str) else ("", "", "")
    digits = whole + cents
    well_formed = 1 <= len(whole) <= 10 and len(cents) <= 2 and digits.isascii() and digits.isdigit()  # noqa: PLR2004 - NUMERIC(12,2)
    if not well_formed or value == f"{whole}.":
        raise ValueError('A price is a decimal string with at most two decimals, such as "9.99".')
    price = Decimal(whole + "." + cents) if cents else Decimal(whole)
    if price <= 0:
        raise ValueError("A price is above zero.")
    return price


Sku = Annotated[
    str, StringConstraints(min_length=1, max_length=64), AfterValidator(_no_nul), Field(examples=["MUG-WHITE-300"])
]
ProductName = Annotated[
    str, StringConstraints(min_length=1, max_length=200), AfterValidator(_no_nul), Field(examples=["White mug"])
]
Description = Annotated[str, StringConstraints(max_length=10_000), AfterValidator(_no_nul)]
Currency = Annotated[str, StringConstraints(pattern="^[A-Z]{3}$"), Field(examples=["EUR"])]
Stock = Annotated[int, Field(strict=True, ge=0, le=MAX_STOCK)]
BodyId = Annotated[int, Field(strict=True, ge=1, le=BIGINT_MAX)]

_MONEY_SCHEMA = {"type": "string", "pattern": r"^\d{1,10}(\.\d{1,2})?$", "examples": ["9.99"]}

Price = Annotated[Decimal, BeforeValidator(_read_price), WithJsonSchema(_MONEY_SCHEMA)]
"""Money that comes in: a decimal string above zero."""

Money = Annotated[Decimal, PlainSerializer(str, return_type=str), WithJsonSchema(_MONEY_SCHEMA)]
"""Money that goes out, with two decimals as it is stored."""
