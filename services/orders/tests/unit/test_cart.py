"""What may be in an order, and what it costs."""

from decimal import Decimal

import pytest

from orders.domain.cart import CartRefused, OutOfStock, Shelf, draft_order, merge_lines
from orders.domain.products import Product


def shelf(product_id: int, price: str = "9.99", *, currency: str = "EUR", taken: bool = True) -> Shelf:
    product = Product(f"SKU-{product_id}", "Mug", "", Decimal(price), currency, 5, product_id, 1, deleted=False)
    return Shelf(product, taken)


def test_lines_of_one_product_become_one_where_it_was_named_first():
    lines = merge_lines([(7, 1), (3, 2), (7, 4)])
    assert [(line.product_id, line.quantity, line.index) for line in lines] == [(7, 5, 0), (3, 2, 1)]


def test_lines_of_one_product_count_together_against_the_limit():
    assert merge_lines([(7, 999), (7, 1)])[0].quantity == 1000
    with pytest.raises(CartRefused) as caught:
        merge_lines([(3, 1), (7, 999), (7, 2)])
    assert [error.field for error in caught.value.errors or []] == ["items.1.quantity"]


def test_a_draft_is_priced_exactly_and_keeps_the_order_of_the_lines():
    draft = draft_order(merge_lines([(2, 3), (1, 1)]), {1: shelf(1, "0.10"), 2: shelf(2, "0.20")})
    assert draft.total == Decimal("0.70")
    assert [item.product_id for item in draft.items] == [2, 1]


def test_every_unknown_product_is_named():
    with pytest.raises(CartRefused) as caught:
        draft_order(merge_lines([(1, 1), (8, 1), (9, 1)]), {1: shelf(1)})
    assert [error.field for error in caught.value.errors or []] == ["items.1.product_id", "items.2.product_id"]


def test_every_product_that_is_short_is_named():
    shelves = {1: shelf(1), 8: shelf(8, taken=False), 9: shelf(9, taken=False)}
    with pytest.raises(OutOfStock, match=r"product 8, 9\."):
        draft_order(merge_lines([(1, 1), (8, 1), (9, 1)]), shelves)


def test_one_currency_an_order():
    with pytest.raises(CartRefused) as caught:
        draft_order(merge_lines([(1, 1), (2, 1)]), {1: shelf(1), 2: shelf(2, currency="CHF")})
    assert [error.field for error in caught.value.errors or []] == ["items.1.product_id"]


def test_a_total_that_fits_to_the_cent():
    most = shelf(1, "9999999999.99")
    assert draft_order(merge_lines([(1, 1)]), {1: most}).total == Decimal("9999999999.99")
    with pytest.raises(CartRefused):
        draft_order(merge_lines([(1, 1), (2, 1)]), {1: most, 2: shelf(2, "0.01")})
