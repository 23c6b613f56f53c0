"""The statements of placements, taken down from the service's own code as it runs, and a bare loop that repeats them.

The loop does what ``pgbench`` would: each of its connections runs the statements of one placement after the other, with
values that are right already. Nothing is checked, priced, encoded or answered.
"""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any

import asyncpg

from orders.api.v1.schemas import OrderV1
from orders.ordering import place_order
from shared.identity import Principal
from shared.postgres import Database
from shared.web import Answer, etag
from shared.web.idempotency import IdempotentCall

USER_ID = 7
FIRST_ID = 1 << 40
"""Of the service's orders: such that an id is no other number of its statements."""
_FINGERPRINT = "0" * 64
# Of the loop's orders, which the service's ids never reach.
_ids = count(1 << 41)


@dataclass(frozen=True, slots=True)
class Placement:
    """The statements of one order with their values, ``BEGIN`` and ``COMMIT`` among them; key and id are its own."""

    key: str | None
    order_id: int
    statements: tuple[tuple[str, tuple[Any, ...]], ...]

    def renewed(self) -> "Placement":
        """The same under another key and id, as a new order has."""
        new: dict[Any, Any] = {self.order_id: next(_ids)}
        if self.key is not None:
            new[self.key] = secrets.token_hex(8)
        changed = tuple((sql, tuple(_replaced(value, new) for value in values)) for sql, values in self.statements)
        return Placement(new.get(self.key), new[self.order_id], changed)


async def captured(database: Database, products: Sequence[int], number: int, *, keyed: bool) -> list[Placement]:
    """Place ``number`` orders of two products each by the service's own code, and give what it asked of Postgres."""
    random = Random(5)  # noqa: S311 - which products are bought
    principal = Principal(str(USER_ID), "user", "free", frozenset(), "benchmark")
    found: list[Placement] = []
    # The first one asks for types as well, once for a connection.
    for place_number in range(number + 1):
        key = secrets.token_hex(8) if keyed else None
        seen: list[tuple[str, tuple[Any, ...]]] = []

        def note(record: Any, seen: list[tuple[str, tuple[Any, ...]]] = seen) -> None:
            seen.append((record.query, tuple(record.args)))

        place = random.randrange(len(products) - 1)
        async with database.acquire() as connection:
            connection.add_query_logger(note)

            ids: list[int] = []

            async def make(connection: Any = connection, place: int = place, ids: list[int] = ids) -> Answer:
                lines = [(products[place], 1), (products[place + 1], 2)]
                order, writes = await place_order(connection, principal, lines)
                ids.append(order.id)
                headers = {"Location": f"/api/v1/orders/{order.id}", "ETag": etag(order.version)}
                return Answer(201, OrderV1.of(order), headers, writes)

            async with connection.transaction():
                await IdempotentCall(key, _FINGERPRINT, lambda: principal.subject).run(connection, make)
            connection.remove_query_logger(note)
        if place_number:
            found.append(Placement(key, ids[0], tuple(seen)))
    return found


async def bare_loop(
    connections: Sequence["asyncpg.Connection[asyncpg.Record]"], placements: Sequence[Placement], seconds: float
) -> float:
    """Orders a second of all connections together."""
    loop = asyncio.get_running_loop()
    done = 0
    until = loop.time() + seconds

    async def place(connection: "asyncpg.Connection[asyncpg.Record]", number: int) -> None:
        nonlocal done
        while loop.time() < until:
            for sql, values in placements[number % len(placements)].renewed().statements:
                await (connection.fetch(sql, *values) if values else connection.execute(sql))
            done += 1
            number += len(connections)

    started = loop.time()
    await asyncio.gather(*(place(connection, number) for number, connection in enumerate(connections)))
    return done / (loop.time() - started)


def _replaced(value: Any, new: dict[Any, Any]) -> Any:
    return new.get(value, value) if isinstance(value, (str, int)) else value
