"""Whatever is done in whatever order: the pieces on the shelf and in live orders are as many as ever."""

from dataclasses import dataclass, field
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orders import catalogue, ordering
from orders.domain.cart import OutOfStock
from orders.domain.orders import STEPS, InvalidTransition, NotTheOwnersStep, OrderStatus
from orders.domain.payments import OrderNotPayable, PaymentMethod
from orders.domain.products import ProductFields
from orders.paying import begin_payment, settle_payment
from shared.identity import Principal
from shared.postgres import Connection, Database, write_together

STOCK = (7, 3)
OWNER = Principal("77", "user", "free", frozenset(), "token")
ADMIN = Principal("1", "admin", "free", frozenset(), "token")

quantities = st.integers(1, 4)
whose = st.sampled_from([OWNER, ADMIN])
placing = st.tuples(st.just("place"), st.lists(st.tuples(st.integers(0, 1), quantities), min_size=1, max_size=3))
operations = st.one_of(
    placing,
    st.tuples(st.just("pay"), st.integers(0, 2), st.sampled_from(PaymentMethod)),
    st.tuples(st.just("expire"), st.integers(0, 2)),
    st.tuples(st.just("lead"), st.integers(0, 2), whose, st.just(OrderStatus.CANCELLED)),
    st.tuples(st.just("lead"), st.integers(0, 2), whose, st.sampled_from(OrderStatus)),
)


@dataclass
class Shop:
    """The model beside the database: what each order holds, and in which status it is."""

    products: list[int]
    orders: list[int] = field(default_factory=list[int])
    statuses: dict[int, OrderStatus] = field(default_factory=dict[int, OrderStatus])


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(first=placing, steps=st.lists(operations, min_size=3, max_size=12))
async def test_stock_and_what_is_sold_stay_constant(
    database: Database, first: tuple[object, ...], steps: list[tuple[object, ...]]
):
    async with database.acquire() as connection:
        example = connection.transaction()
        await example.start()
        try:
            shop = Shop([await _stocked(connection, number, stock) for number, stock in enumerate(STOCK)])
            for step in (first, *steps):
                await _take(connection, shop, *step)
                await _check(connection, shop)
        finally:
            await example.rollback()


async def _stocked(connection: Connection, number: int, stock: int) -> int:
    fields = ProductFields(f"PROPERTY-{number}", "Mug", "", Decimal("1.10"), "EUR", stock)
    return (await catalogue.add_product(connection, fields)).id


async def _take(connection: Connection, shop: Shop, kind: object, *arguments: object) -> None:
    savepoint = connection.transaction()
    await savepoint.start()
    try:
        match kind, *arguments:
            case "place", list(lines):
                asked = [(shop.products[which], quantity) for which, quantity in lines]
                order, writes = await ordering.place_order(connection, OWNER, asked)
                await write_together(connection, writes)
                shop.orders.append(order.id)
                shop.statuses[order.id] = order.status
            case "lead", int(which), Principal() as principal, OrderStatus() as wanted if shop.orders:
                order_id = shop.orders[which % len(shop.orders)]
                order = await ordering.lock_order(connection, principal, order_id)
                order = await ordering.lead_order(connection, principal, order, wanted)
                assert wanted in STEPS[shop.statuses[order_id]]
                shop.statuses[order_id] = order.status
            case "expire", int(which) if shop.orders:
                order_id = shop.orders[which % len(shop.orders)]
                if await ordering.expire_order(connection, order_id):
                    assert shop.statuses[order_id] is OrderStatus.PENDING
                    shop.statuses[order_id] = OrderStatus.CANCELLED
            case "pay", int(which), PaymentMethod() as method if shop.orders:
                order_id = shop.orders[which % len(shop.orders)]
                order = await ordering.lock_order(connection, OWNER, order_id)
                attempt = await begin_payment(connection, OWNER, order, method)
                await settle_payment(connection, attempt, took=method is PaymentMethod.CARD)
                assert shop.statuses[order_id] is OrderStatus.PENDING
                if method is PaymentMethod.CARD:
                    shop.statuses[order_id] = OrderStatus.PAID
            case _:
                pass
    except (OutOfStock, InvalidTransition, NotTheOwnersStep, OrderNotPayable):
        await savepoint.rollback()
    else:
        await savepoint.commit()


async def _check(connection: Connection, shop: Shop) -> None:
    rows = await connection.fetch(
        """
        SELECT p.stock + coalesce(sum(i.quantity) FILTER (WHERE o.status <> 'cancelled'), 0) AS pieces
        FROM products p LEFT JOIN order_items i ON i.product_id = p.id LEFT JOIN orders o ON o.id = i.order_id
        WHERE p.id = ANY ($1) GROUP BY p.id ORDER BY p.id
        """,
        shop.products,
    )
    assert tuple(row["pieces"] for row in rows) == STOCK
    found = await connection.fetch("SELECT id, status FROM orders WHERE id = ANY ($1)", shop.orders)
    assert {row["id"]: row["status"] for row in found} == shop.statuses
    unrefunded = await connection.fetchval(
        """
        SELECT count(*) FROM payments JOIN orders ON orders.id = payments.order_id
        WHERE payments.order_id = ANY ($1) AND (orders.status = 'cancelled') = (payments.status = 'succeeded')
            AND payments.status <> 'declined'
        """,
        shop.orders,
    )
    assert unrefunded == 0
