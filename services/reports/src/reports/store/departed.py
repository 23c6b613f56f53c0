"""A deleted user in what reports hold: orders lose the person, and files that name the person are found."""

from dataclasses import dataclass
from datetime import datetime

from reports.domain.report import Report, ReportType
from reports.store import reports
from shared.postgres import Connection, count_rows

NOBODY = -1
"""Whose an order is when its customer was deleted; the orders service says the same."""

_NAMING = [kind.value for kind in ReportType if kind is not ReportType.SALES]

_IS_DELETED = "SELECT EXISTS (SELECT FROM seen_users WHERE id = $1 AND deleted)"
_DETACH = """
    UPDATE seen_orders SET user_id = $2 WHERE id IN (
        SELECT id FROM seen_orders WHERE user_id = $1 ORDER BY id LIMIT $3 FOR UPDATE)
"""
_SPAN = """
    SELECT min(moment) AS first, max(moment) AS last FROM (
        SELECT registered_at AS moment FROM seen_users WHERE id = $1
        UNION ALL
        SELECT unnest(ARRAY[placed_at, paid_at, shipped_at, delivered_at, cancelled_at])
        FROM seen_orders WHERE user_id = $1
    ) AS moments
"""
_NAMING_EVERYONE = """
    SELECT id FROM reports
    WHERE everyone AND type = ANY ($1) AND file_name IS NOT NULL AND created_at <= $2 AND id > $3
    ORDER BY id LIMIT $4
"""


@dataclass(frozen=True, slots=True)
class Span:
    """From the first to the last thing that a user did."""

    first: datetime
    last: datetime


async def is_deleted(connection: Connection, user_id: int) -> bool:
    """Whether the user is known to have gone."""
    return bool(await connection.fetchval(_IS_DELETED, user_id))


async def span_of(connection: Connection, user_id: int) -> Span | None:
    """When the user did what reports on all users show with the name; None when that is nothing."""
    row = await connection.fetchrow(_SPAN, user_id)
    return Span(row["first"], row["last"]) if row and row["first"] else None


async def detach(connection: Connection, user_id: int, limit: int) -> int:
    """Take the person from at most ``limit`` orders of the read model; how many there were."""
    return count_rows(await connection.execute(_DETACH, user_id, NOBODY, limit))


async def naming_everyone(connection: Connection, until: datetime, after: int, limit: int) -> list[Report]:
    """Reports with a file that name all customers, asked for up to ``until``, by their ids beyond ``after``."""
    rows = await connection.fetch(_NAMING_EVERYONE, _NAMING, until, after, limit)
    return [report for row in rows if (report := await reports.find(connection, row["id"]))]
