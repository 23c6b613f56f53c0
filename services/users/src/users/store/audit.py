"""The table ``audit_events``: only ever added to, which the database sees to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.postgres import Connection, count_rows
from users.domain.audit import AuditAction, AuditEvent
from users.domain.sessions import NOWHERE, Client

_COLUMNS = "id, action, actor_id, subject_id, address, user_agent, request_id, client_id, occurrences, created_at"
_INSERT = """
    INSERT INTO audit_events (action, actor_id, subject_id, request_id, address, user_agent, occurrences, client_id)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_WHICH = """
    ($1::bigint IS NULL OR subject_id = $1) AND ($2::text IS NULL OR action = $2)
    AND ($3::timestamptz IS NULL OR created_at >= $3) AND ($4::timestamptz IS NULL OR created_at < $4)
"""
_PAGE = f"SELECT {_COLUMNS} FROM audit_events WHERE {_WHICH} ORDER BY id DESC LIMIT $5 OFFSET $6"  # noqa: S608 - constants
_COUNT = f"SELECT count(*) FROM audit_events WHERE {_WHICH}"  # noqa: S608 - a constant
_TRIM = """
    DELETE FROM audit_events WHERE id IN (
        SELECT id FROM audit_events WHERE created_at < now() - make_interval(days => $1) LIMIT $2
    )
"""


@dataclass(frozen=True, slots=True)
class Which:
    """Events of one user or all, of one action or all, from a time and up to one."""

    subject_id: int | None = None
    action: AuditAction | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Attempts:
    """What a stranger did so often in a short time."""

    action: AuditAction
    subject_id: int
    client: Client
    occurrences: int


async def insert(
    connection: Connection,
    action: AuditAction,
    *,
    actor_id: int | None,
    subject_id: int,
    request_id: str | None = None,
    client: Client | None = None,
    occurrences: int = 1,
    client_id: str | None = None,
) -> None:
    """Put something on record, in the transaction that does it; ``client`` says by which request and from where.

    What was done to an OAuth client names it in ``client_id``, and 0, which no user has, as its subject.
    """
    known = client or NOWHERE
    await connection.execute(
        _INSERT,
        action,
        actor_id,
        subject_id,
        request_id or known.request_id,
        known.address or None,
        known.user_agent or None,
        occurrences,
        client_id,
    )


async def insert_attempts(connection: Connection, attempts: Sequence[Attempts]) -> None:
    """Put on record what nobody known did."""
    await connection.executemany(
        _INSERT,
        [
            (
                each.action,
                None,
                each.subject_id,
                each.client.request_id,
                each.client.address or None,
                each.client.user_agent or None,
                each.occurrences,
                None,
            )
            for each in attempts
        ],
    )


async def page(connection: Connection, which: Which, limit: int, offset: int) -> tuple[list[AuditEvent], int]:
    """What was recorded, the newest first, and how much there is."""
    asked = (which.subject_id, which.action, which.since, which.until)
    total: int = await connection.fetchval(_COUNT, *asked)
    rows = await connection.fetch(_PAGE, *asked, limit, offset)
    return [AuditEvent(**{**row, "action": AuditAction(row["action"])}) for row in rows], total


async def trim(keep_days: int, connection: Connection, limit: int) -> int:
    """Delete at most ``limit`` events that are older than these days, 30 at least; returns how many."""
    return count_rows(await connection.execute(_TRIM, keep_days, limit))
