"""The steps of an order, all of them."""

from itertools import product

import pytest

from orders.domain.orders import InvalidTransition, NotTheOwnersStep, OrderStatus, check_step

ALLOWED = {
    ("pending", "paid"),
    ("pending", "cancelled"),
    ("paid", "shipped"),
    ("paid", "cancelled"),
    ("shipped", "delivered"),
}
PAIRS = list(product(OrderStatus, OrderStatus))


@pytest.mark.parametrize(("current", "wanted"), PAIRS)
def test_an_admin_takes_every_step_there_is_and_no_other(current: OrderStatus, wanted: OrderStatus):
    if (current, wanted) in ALLOWED:
        check_step(current, wanted, by_admin=True)
    else:
        with pytest.raises(InvalidTransition):
            check_step(current, wanted, by_admin=True)


@pytest.mark.parametrize(("current", "wanted"), PAIRS)
def test_an_owner_only_cancels(current: OrderStatus, wanted: OrderStatus):
    if wanted is not OrderStatus.CANCELLED:
        with pytest.raises(NotTheOwnersStep):
            check_step(current, wanted, by_admin=False)
    elif current in {OrderStatus.PENDING, OrderStatus.PAID}:
        check_step(current, wanted, by_admin=False)
    else:
        with pytest.raises(InvalidTransition):
            check_step(current, wanted, by_admin=False)
