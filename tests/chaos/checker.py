"""Holds the end state against the ledger: what is lost, doubled, out of order, or not finished."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from chaos import outside, wire_order
from chaos.importing import ROWS, sku_of
from chaos.ledger import Kind, Ledger, Operation, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from chaos.end_state import EndState, OrderRow, PaymentRow, ProductRow, UserRow

_AFTER = {
    "pending": {"pending", "paid", "shipped", "delivered", "cancelled"},
    "paid": {"paid", "shipped", "delivered", "cancelled"},
    "shipped": {"shipped", "delivered"},
    "delivered": {"delivered"},
    "cancelled": {"cancelled"},
}
_CHARGED = ("succeeded", "refunded")


class Wrong(StrEnum):
    """In which way the promise is broken."""

    LOST = "lost"
    DOUBLED = "doubled"
    REORDERED = "reordered"
    MISMATCH = "mismatch"
    UNFINISHED = "unfinished"
    CONTRADICTION = "contradiction"


@dataclass(frozen=True)
class Violation:
    """One fact that contradicts what was promised."""

    wrong: Wrong
    fact: str


def check(ledger: Ledger, stock: dict[int, int], state: EndState) -> list[Violation]:
    """Every violation, none when all is well. ``stock`` is what was put on each shelf, by product."""
    return [Violation(wrong, fact) for wrong, fact in _all(ledger, stock, state)]


def _all(ledger: Ledger, stock: dict[int, int], state: EndState) -> Iterator[tuple[Wrong, str]]:
    yield from _orders(ledger, state)
    yield from _payments(ledger, state)
    yield from _charges(state)
    yield from _books(state)
    yield from _steps(ledger, state)
    yield from _stock(stock, state)
    yield from _users(ledger, state)
    yield from _reports(ledger, state)
    yield from _imports(ledger, state)
    yield from _read_model(state)
    yield from ((Wrong(wrong), fact) for wrong, fact in wire_order.check(state))
    yield from ((Wrong(wrong), fact) for wrong, fact in outside.check(ledger, state))
    yield from _left_over(state)
    yield from ((Wrong.CONTRADICTION, fact) for fact in ledger.contradictions)
    for operation in ledger.operations:
        if operation.outcome is Outcome.UNANSWERED:
            yield Wrong.UNFINISHED, f"never answered: {operation.describe()}"


def _effects(operation: Operation, found: list[int], what: str) -> Iterator[tuple[Wrong, str]]:
    """Hold the ids of what came of one operation against what its client was told."""
    if len(found) > 1:
        yield Wrong.DOUBLED, f"{len(found)} {what} {sorted(found)} of {operation.describe()}"
    if operation.outcome is Outcome.ACKNOWLEDGED and operation.answer.get("id", *found[:1]) not in found:
        yield Wrong.LOST, f"no such {what} (there are {sorted(found)}): {operation.describe()}"
    if operation.outcome is Outcome.REFUSED and found:
        yield Wrong.CONTRADICTION, f"refused, and yet there are {what} {sorted(found)}: {operation.describe()}"


def _orders(ledger: Ledger, state: EndState) -> Iterator[tuple[Wrong, str]]:
    found: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for order in state.orders:
        found[order.user_id, order.lines].append(order.id)
    for operation in ledger.of(Kind.PLACE):
        yield from _effects(operation, found.pop((operation.user_id, operation.mark), []), "orders")
    for (user_id, lines), ids in found.items():
        yield Wrong.CONTRADICTION, f"orders {ids} of user {user_id}, {lines}: nobody asked for them"


def _payments(ledger: Ledger, state: EndState) -> Iterator[tuple[Wrong, str]]:
    charged: dict[int, list[int]] = defaultdict(list)
    declined: Counter[int] = Counter()
    for payment in state.payments:
        if payment.status in _CHARGED:
            charged[payment.order_id].append(payment.id)
        else:
            declined[payment.order_id] += 1
    for operation in ledger.of(Kind.PAY):
        yield from _effects(operation, charged.get(operation.mark[0], []), "payments")
    for order_id, asked in _by_order(ledger.of(Kind.DECLINE)).items():
        least = sum(operation.outcome is Outcome.ACKNOWLEDGED for operation in asked)
        if declined[order_id] > len(asked):
            yield (
                Wrong.DOUBLED,
                f"order {order_id} has {declined[order_id]} declined payments of {len(asked)} asked for",
            )
        if declined[order_id] < least:
            yield Wrong.LOST, f"order {order_id} has {declined[order_id]} declined payments of {least} acknowledged"


def _charges(state: EndState) -> Iterator[tuple[Wrong, str]]:
    charged: dict[int, list[PaymentRow]] = defaultdict(list)
    for payment in state.payments:
        if payment.status in _CHARGED:
            charged[payment.order_id].append(payment)
    for order in state.orders:
        found = charged.get(order.id, [])
        if order.status in {"paid", "shipped", "delivered"} and len(found) != 1:
            yield (
                Wrong.DOUBLED if found else Wrong.LOST,
                f"order {order.id} is {order.status}, charged {len(found)} times",
            )
        if any(payment.amount != order.total for payment in found):
            yield Wrong.MISMATCH, f"order {order.id} of {order.total} was charged {[p.amount for p in found]}"
        if any((payment.status == "refunded") != (order.status == "cancelled") for payment in found):
            yield Wrong.MISMATCH, f"order {order.id} is {order.status}, its payment {[p.status for p in found]}"


def _books(state: EndState) -> Iterator[tuple[Wrong, str]]:
    """Hold the provider's own books against our payments: no money is taken that we do not know of."""
    ours = {(p.order_id, p.amount, p.status == "refunded") for p in state.payments if p.status in _CHARGED}
    theirs = {(charge.order_id, charge.amount, charge.refunded) for charge in state.charges}
    for order_id, amount, refunded in sorted(ours ^ theirs):
        whose = "the provider's" if (order_id, amount, refunded) in theirs else "our"
        yield Wrong.MISMATCH, f"only {whose} books have {amount} of order {order_id}, refunded: {refunded}"


def _by_order(operations: Iterable[Operation]) -> dict[int, list[Operation]]:
    found: dict[int, list[Operation]] = defaultdict(list)
    for operation in operations:
        found[operation.mark[0]].append(operation)
    return found


def _steps(ledger: Ledger, state: EndState) -> Iterator[tuple[Wrong, str]]:
    now = {order.id: order.status for order in state.orders}
    told = [(operation.mark[0], operation.mark[1], operation) for operation in ledger.of(Kind.STEP)]
    told += [(operation.mark[0], "paid", operation) for operation in ledger.of(Kind.PAY)]
    for order_id, status, operation in told:
        found = now.get(order_id, "gone")
        if operation.outcome is Outcome.ACKNOWLEDGED and found not in _AFTER[status]:
            yield Wrong.LOST, f"order {order_id} is {found}: {operation.describe()}"


def _stock(stock: dict[int, int], state: EndState) -> Iterator[tuple[Wrong, str]]:
    sold: Counter[int] = Counter()
    for order in state.orders:
        if order.status != "cancelled":
            sold.update(dict(order.lines))
    left = {product.id: product.stock for product in state.products}
    for product_id, put in stock.items():
        there = left.get(product_id, 0)
        if there < 0:
            yield Wrong.MISMATCH, f"product {product_id} is oversold: stock {there}"
        if there + sold[product_id] != put:
            yield Wrong.MISMATCH, f"product {product_id}: {put} put in, {sold[product_id]} sold, {there} left"


def _users(ledger: Ledger, state: EndState) -> Iterator[tuple[Wrong, str]]:
    found: dict[str, list[int]] = defaultdict(list)
    for user in state.users:
        found[user.email].append(user.id)
    for operation in ledger.of(Kind.REGISTER):
        yield from _effects(operation, found.get(operation.mark[0], []), "accounts")


def _reports(ledger: Ledger, state: EndState) -> Iterator[tuple[Wrong, str]]:
    found: dict[tuple[int, str], list[int]] = defaultdict(list)
    for report in state.reports:
        found[report.user_id, report.since].append(report.id)
        if report.status != "succeeded":
            yield Wrong.UNFINISHED, f"report {report.id} is {report.status}"
        elif report.fault:
            yield Wrong.LOST, f"report {report.id}: {report.fault}"
    for operation in ledger.of(Kind.REPORT):
        yield from _effects(operation, found.get((operation.user_id, operation.mark[0]), []), "reports")


def _imports(ledger: Ledger, state: EndState) -> Iterator[tuple[Wrong, str]]:
    versions = {product.sku: product.version for product in state.products}
    for operation in ledger.of(Kind.IMPORT):
        found = [versions[sku] for row in range(ROWS) if (sku := sku_of(operation.mark[0], row)) in versions]
        if found and max(found) > 1:
            yield Wrong.DOUBLED, f"products were written {max(found)} times by {operation.describe()}"
        whole = {Outcome.ACKNOWLEDGED: {ROWS}, Outcome.REFUSED: {0}}.get(operation.outcome, {0, ROWS})
        if len(found) not in whole:
            yield Wrong.LOST, f"{len(found)} of {ROWS} products are there: {operation.describe()}"


def _read_model(state: EndState) -> Iterator[tuple[Wrong, str]]:
    pairs: tuple[tuple[str, Iterable[OrderRow | ProductRow | UserRow], Iterable[OrderRow | ProductRow | UserRow]], ...]
    pairs = (
        ("order", state.orders, state.seen_orders),
        ("product", (type(row)(row.id, row.stock, row.version) for row in state.products), state.seen_products),
        ("user", ((type(user)(user.id, user.version)) for user in state.users), state.seen_users),
    )
    for what, truth, seen in pairs:
        true, known = {row.id: row for row in truth}, {row.id: row for row in seen}
        for row_id in sorted(true.keys() | known.keys()):
            if true.get(row_id) != known.get(row_id):
                yield Wrong.MISMATCH, f"{what} {row_id}: it is {true.get(row_id)}, reports know {known.get(row_id)}"


def _left_over(state: EndState) -> Iterator[tuple[Wrong, str]]:
    for table, rows in state.undone.items():
        if rows:
            yield Wrong.UNFINISHED, f"{rows} rows are left in {table}"
    for queue, messages in state.waiting_messages.items():
        if messages:
            parked = queue.endswith(".parked")
            yield Wrong.LOST if parked else Wrong.UNFINISHED, f"{messages} messages in {queue}"
    for job in state.unfinished_jobs:
        yield Wrong.UNFINISHED, f"a job is stuck: {job}"
    for job in state.failed_jobs:
        yield Wrong.UNFINISHED, f"a job failed: {job}"
