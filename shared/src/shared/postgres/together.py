"""Several writes of one transaction in one round trip: one statement whose parts are the writes.

Postgres runs the parts of a ``WITH`` on one snapshot and in no order that could be relied on (its manual, 7.8.4): so
no part may read or touch what another one writes. Foreign keys between them hold, they are checked at the end.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from shared.postgres.database import Connection

_COUNT = "(SELECT count(*) FROM write_{})"
_PLACE = re.compile(r"\$(\d+)")


@dataclass(frozen=True, slots=True)
class Write:
    """An INSERT, UPDATE or DELETE without a WITH of its own; ``$1`` and so on are its own values."""

    sql: str
    values: tuple[Any, ...]


async def write_together(connection: Connection, writes: Sequence[Write]) -> list[int]:
    """Run them as one statement; how many rows each gave by its RETURNING, 0 for one that has none."""
    if not writes:
        return []
    sql = _joined(tuple(write.sql for write in writes))
    row = await connection.fetchrow(sql, *(value for write in writes for value in write.values))
    if row is None:
        raise LookupError("a statement that always gives a row gave none")
    return list(row)


@lru_cache(maxsize=256)
def _joined(parts: tuple[str, ...]) -> str:
    # Made of constant texts alone, and the same text each time, so that it stays prepared.
    named: list[str] = []
    counts: list[str] = []
    shift = 0
    for number, part in enumerate(parts):
        most = max((int(place) for place in _PLACE.findall(part)), default=0)
        moved = _PLACE.sub(lambda place, by=shift: f"${int(place[1]) + by}", part)
        named.append(f"write_{number} AS ({moved.strip()})")
        counts.append(_COUNT.format(number) if "RETURNING" in part else "0::bigint")
        shift += most
    return f"WITH {', '.join(named)} SELECT {', '.join(counts)}"
