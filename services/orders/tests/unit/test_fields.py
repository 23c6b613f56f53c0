"""Money on the wire: decimal strings, never floats."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from orders.api.v1.fields import Money, Price

PRICE = TypeAdapter(Price)


@pytest.mark.parametrize(
    ("text", "value"), [("9.99", "9.99"), ("1", "1"), ("0.01", "0.01"), ("9999999999.99", "9999999999.99")]
)
def test_a_price_is_read_exactly(text: str, value: str):
    assert PRICE.validate_python(text) == Decimal(value)


@pytest.mark.parametrize(
    "wrong",
    [
        *(9.99, 9, True, None, [], ""),
        *("0", "0.00", "-1", "+1", "1.", ".5", "1.999", "10000000000", "1,50"),
        *("1e3", "NaN", "Infinity", "0x1", "1_000", "1 ", "1\n", "\u0661", "1.0\u0660"),
    ],
)
def test_what_is_no_price(wrong: Any):
    with pytest.raises(ValidationError):
        PRICE.validate_python(wrong)


def test_money_goes_out_as_the_string_it_is():
    assert TypeAdapter(Money).dump_json(Decimal("9.90")) == b'"9.90"'
