"""The checker must cry: each test plants one wrong into an end state where all is well."""

from dataclasses import replace

import pytest

from chaos.checker import Wrong, check
from chaos.end_state import ChargeRow, EndState, OrderRow, PaymentRow, ProductRow, ReportRow, UserRow, WireEvent
from chaos.importing import ROWS, sku_of
from chaos.ledger import Kind, Ledger, Operation, Outcome

STOCK = {1: 100, 2: 50}
SINCE = "2001-01-01T00:00:01Z"


def event(number: int, kind: str, subject: str, version: int) -> WireEvent:
    return WireEvent(f"event-{number}", kind, subject, {"version": version})


@pytest.fixture
def ledger() -> Ledger:
    """An order placed, declined, paid and shipped; one cancelled after it was paid; one left open; a report."""
    acknowledged = Outcome.ACKNOWLEDGED
    return Ledger(
        operations=[
            Operation(Kind.REGISTER, 0, ("ada@example.com",), "k0", acknowledged, 1, {"id": 7}),
            Operation(Kind.PLACE, 7, ((1, 3), (2, 1)), "k1", acknowledged, 1, {"id": 11}),
            Operation(Kind.DECLINE, 7, (11,), "k2", acknowledged, 2),
            Operation(Kind.PAY, 7, (11,), "k3", acknowledged, 1, {"id": 101}),
            Operation(Kind.STEP, 1, (11, "shipped"), "k4", acknowledged, 1, {"id": 11}),
            Operation(Kind.PLACE, 7, ((1, 4),), "k5", acknowledged, 3, {"id": 12}),
            Operation(Kind.PAY, 7, (12,), "k6", acknowledged, 1, {"id": 102}),
            Operation(Kind.STEP, 7, (12, "cancelled"), "k7", acknowledged, 1, {"id": 12}),
            Operation(Kind.PLACE, 7, ((1, 5),), "k8", Outcome.UNKNOWN, 1),
            Operation(Kind.REPORT, 7, (SINCE,), "k9", acknowledged, 1, {"id": 21}),
        ]
    )


@pytest.fixture
def state() -> EndState:
    orders = [
        OrderRow(11, 7, "shipped", "9.99", 3, ((1, 3), (2, 1))),
        OrderRow(12, 7, "cancelled", "5.00", 3, ((1, 4),)),
    ]
    products = [ProductRow(1, 97, 4), ProductRow(2, 49, 2)]
    return EndState(
        orders=orders,
        seen_orders=list(orders),
        payments=[
            PaymentRow(100, 11, "declined", "9.99"),
            PaymentRow(101, 11, "succeeded", "9.99"),
            PaymentRow(102, 12, "refunded", "5.00"),
        ],
        charges=[ChargeRow(11, "9.99", refunded=False), ChargeRow(12, "5.00", refunded=True)],
        products=products,
        seen_products=list(products),
        users=[UserRow(7, 1, "ada@example.com")],
        seen_users=[UserRow(7, 1)],
        reports=[ReportRow(21, 7, SINCE, "succeeded", 2)],
        events=[
            event(1, "orders.placed.v1", "orders/11", 1),
            event(2, "orders.paid.v1", "orders/11", 2),
            event(3, "orders.placed.v1", "orders/12", 1),
            event(4, "orders.shipped.v1", "orders/11", 3),
            event(5, "orders.paid.v1", "orders/12", 2),
            event(6, "orders.cancelled.v1", "orders/12", 3),
            event(7, "reports.requested.v1", "reports/21", 1),
            event(8, "reports.finished.v1", "reports/21", 2),
        ],
        undone={"orders.outbox": 0},
        waiting_messages={"reports.read-model": 0, "reports.read-model.parked": 0},
    )


def wrongs(ledger: Ledger, state: EndState) -> set[Wrong]:
    return {violation.wrong for violation in check(ledger, STOCK, state)}


def facts(ledger: Ledger, state: EndState) -> str:
    return "\n".join(violation.fact for violation in check(ledger, STOCK, state))


def test_all_is_well(ledger: Ledger, state: EndState):
    assert check(ledger, STOCK, state) == []


def test_what_was_left_open_may_be_there_once(ledger: Ledger, state: EndState):
    _another_order(state, OrderRow(13, 7, "pending", "1.00", 1, ((1, 5),)))
    assert check(ledger, STOCK, state) == []


def test_what_was_left_open_may_not_be_there_twice(ledger: Ledger, state: EndState):
    _another_order(state, OrderRow(13, 7, "pending", "1.00", 1, ((1, 5),)))
    _another_order(state, OrderRow(14, 7, "pending", "1.00", 1, ((1, 5),)))
    assert wrongs(ledger, state) == {Wrong.DOUBLED}


def test_an_acknowledged_order_that_is_gone(ledger: Ledger, state: EndState):
    state.orders = state.orders[1:]
    assert Wrong.LOST in wrongs(ledger, state)
    assert "no such orders (there are []): place of user 7" in facts(ledger, state)


def test_an_acknowledged_order_under_another_id(ledger: Ledger, state: EndState):
    ledger.operations[1].answer = {"id": 99}
    assert wrongs(ledger, state) == {Wrong.LOST}


def test_an_order_placed_twice_by_one_wish(ledger: Ledger, state: EndState):
    _another_order(state, OrderRow(13, 7, "pending", "9.99", 1, ((1, 3), (2, 1))))
    assert wrongs(ledger, state) == {Wrong.DOUBLED}


def test_an_order_that_nobody_asked_for(ledger: Ledger, state: EndState):
    _another_order(state, OrderRow(13, 7, "pending", "9.99", 1, ((1, 8),)))
    assert wrongs(ledger, state) == {Wrong.CONTRADICTION}


def test_an_order_that_was_refused_and_is_there(ledger: Ledger, state: EndState):
    ledger.operations[8].outcome = Outcome.REFUSED
    _another_order(state, OrderRow(13, 7, "pending", "9.99", 1, ((1, 5),)))
    assert wrongs(ledger, state) == {Wrong.CONTRADICTION}


def test_a_payment_that_is_gone(ledger: Ledger, state: EndState):
    del state.payments[1]
    assert wrongs(ledger, state) == {Wrong.LOST, Wrong.MISMATCH}


def test_money_that_was_taken_and_nobody_knows_of(ledger: Ledger, state: EndState):
    state.charges.append(ChargeRow(13, "1.00", refunded=False))
    assert "only the provider's books have 1.00 of order 13, refunded: False" in facts(ledger, state)


def test_money_that_the_provider_never_gave_back(ledger: Ledger, state: EndState):
    state.charges[1] = replace(state.charges[1], refunded=False)
    assert wrongs(ledger, state) == {Wrong.MISMATCH}


def test_an_order_charged_twice(ledger: Ledger, state: EndState):
    state.payments.append(PaymentRow(103, 11, "succeeded", "9.99"))
    assert wrongs(ledger, state) == {Wrong.DOUBLED}


def test_a_declined_payment_written_twice(ledger: Ledger, state: EndState):
    state.payments.append(PaymentRow(103, 11, "declined", "9.99"))
    assert wrongs(ledger, state) == {Wrong.DOUBLED}


def test_a_declined_payment_that_is_gone(ledger: Ledger, state: EndState):
    del state.payments[0]
    assert wrongs(ledger, state) == {Wrong.LOST}


def test_a_charge_of_another_amount(ledger: Ledger, state: EndState):
    state.payments[1] = replace(state.payments[1], amount="9.98")
    assert wrongs(ledger, state) == {Wrong.MISMATCH}


def test_a_cancelled_order_whose_money_stayed(ledger: Ledger, state: EndState):
    state.payments[2] = replace(state.payments[2], status="succeeded")
    assert wrongs(ledger, state) == {Wrong.MISMATCH}


def test_a_step_that_was_acknowledged_and_is_undone(ledger: Ledger, state: EndState):
    state.orders[0] = replace(state.orders[0], status="paid")
    state.seen_orders[0] = state.orders[0]
    assert wrongs(ledger, state) == {Wrong.LOST}


@pytest.mark.parametrize("stock", [96, 98])
def test_stock_that_does_not_add_up(ledger: Ledger, state: EndState, stock: int):
    state.products[0] = state.seen_products[0] = replace(state.products[0], stock=stock)
    assert wrongs(ledger, state) == {Wrong.MISMATCH}


def test_an_oversold_product(ledger: Ledger, state: EndState):
    state.products[0] = state.seen_products[0] = replace(state.products[0], stock=-1)
    assert "product 1 is oversold: stock -1" in facts(ledger, state)


def test_an_account_that_is_gone(ledger: Ledger, state: EndState):
    state.users, state.seen_users = [], []
    assert wrongs(ledger, state) == {Wrong.LOST}


def test_an_import_is_there_whole(ledger: Ledger, state: EndState):
    _import(ledger, state)
    assert check(ledger, STOCK, state) == []


def test_an_import_of_which_rows_are_missing(ledger: Ledger, state: EndState):
    _import(ledger, state)
    state.products.pop()
    state.seen_products.pop()
    assert wrongs(ledger, state) == {Wrong.LOST}


def test_an_import_that_was_written_twice(ledger: Ledger, state: EndState):
    _import(ledger, state)
    state.products[-1] = replace(state.products[-1], version=2)
    state.seen_products[-1] = replace(state.seen_products[-1], version=2)
    assert wrongs(ledger, state) == {Wrong.DOUBLED}


@pytest.mark.parametrize("status", ["queued", "failed"])
def test_a_report_that_is_not_finished(ledger: Ledger, state: EndState, status: str):
    state.reports[0] = replace(state.reports[0], status=status)
    assert wrongs(ledger, state) == {Wrong.UNFINISHED}


def test_a_report_that_is_gone(ledger: Ledger, state: EndState):
    state.reports = []
    assert wrongs(ledger, state) == {Wrong.LOST}


def test_a_report_made_twice(ledger: Ledger, state: EndState):
    state.reports.append(replace(state.reports[0], id=22))
    state.events += [
        event(9, "reports.requested.v1", "reports/22", 1),
        event(10, "reports.finished.v1", "reports/22", 2),
    ]
    assert wrongs(ledger, state) == {Wrong.DOUBLED}


def test_a_report_whose_file_is_gone(ledger: Ledger, state: EndState):
    state.reports[0] = replace(state.reports[0], fault="its file: 410, 0 bytes")
    assert wrongs(ledger, state) == {Wrong.LOST}


@pytest.mark.parametrize("table", ["seen_orders", "seen_products", "seen_users"])
def test_a_read_model_that_missed_something(ledger: Ledger, state: EndState, table: str):
    getattr(state, table).pop()
    assert wrongs(ledger, state) == {Wrong.MISMATCH}


def test_a_read_model_that_is_behind(ledger: Ledger, state: EndState):
    state.seen_orders[0] = replace(state.seen_orders[0], status="paid", version=2)
    assert wrongs(ledger, state) == {Wrong.MISMATCH}


def test_an_event_that_comes_again_is_no_wrong(ledger: Ledger, state: EndState):
    state.events += state.events[:3]
    assert check(ledger, STOCK, state) == []


def test_events_that_overtook_each_other(ledger: Ledger, state: EndState):
    state.events[1], state.events[3] = state.events[3], state.events[1]
    assert Wrong.REORDERED in wrongs(ledger, state)
    assert "orders/11: version 2 came after 3" in facts(ledger, state)


@pytest.mark.parametrize("place", [1, 3, 7])
def test_an_event_that_was_never_published(ledger: Ledger, state: EndState, place: int):
    del state.events[place]
    assert Wrong.LOST in wrongs(ledger, state)


def test_one_change_told_by_two_events(ledger: Ledger, state: EndState):
    state.events.append(replace(state.events[-1], id="event-9"))
    assert wrongs(ledger, state) == {Wrong.DOUBLED}


def test_a_step_that_the_state_machine_has_not(ledger: Ledger, state: EndState):
    state.events[3] = replace(state.events[3], type="orders.delivered.v1")
    assert wrongs(ledger, state) == {Wrong.REORDERED}


def test_what_is_left_over(ledger: Ledger, state: EndState):
    state.undone["orders.outbox"] = 2
    state.unfinished_jobs.append("reports.render x running, attempt 1")
    state.waiting_messages["reports.read-model"] = 1
    assert wrongs(ledger, state) == {Wrong.UNFINISHED}
    assert len(check(ledger, STOCK, state)) == 3


def test_a_parked_message_is_a_lost_effect(ledger: Ledger, state: EndState):
    state.waiting_messages["reports.read-model.parked"] = 1
    assert wrongs(ledger, state) == {Wrong.LOST}


def test_a_request_that_was_never_answered(ledger: Ledger, state: EndState):
    ledger.operations[8].outcome = Outcome.UNANSWERED
    assert wrongs(ledger, state) == {Wrong.UNFINISHED}


def test_an_answer_that_contradicts_another(ledger: Ledger, state: EndState):
    ledger.contradicts("one key, two answers")
    assert wrongs(ledger, state) == {Wrong.CONTRADICTION}


def _import(ledger: Ledger, state: EndState) -> None:
    ledger.operations.append(Operation(Kind.IMPORT, 1, (1,), "k10", Outcome.ACKNOWLEDGED, 2, {"id": "a job"}))
    for row in range(ROWS):
        state.products.append(ProductRow(1000 + row, row, 1, sku_of(1, row)))
        state.seen_products.append(ProductRow(1000 + row, row, 1))


def _another_order(state: EndState, order: OrderRow) -> None:
    """An order in all places where a real one leaves its traces."""
    state.orders.append(order)
    state.seen_orders.append(order)
    state.events.append(event(1000 + order.id, "orders.placed.v1", f"orders/{order.id}", 1))
    for place, product in enumerate(state.products):
        stock = product.stock - dict(order.lines).get(product.id, 0)
        state.products[place] = state.seen_products[place] = replace(product, stock=stock)
