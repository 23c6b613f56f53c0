"""The table ``audit_events``: only ever added to."""

from shared.postgres import Connection
from users.domain.audit import AuditAction, AuditEvent
from users.domain.sessions import Client

_INSERT = "INSERT INTO audit_events (action, actor_id, subject_id, request_id) VALUES ($1, $2, $3, $4)"
_PAGE = """
    SELECT id, action, actor_id, subject_id, request_id, created_at FROM audit_events
    WHERE $1::bigint IS NULL OR subject_id = $1 ORDER BY id DESC LIMIT $2 OFFSET $3
"""
_COUNT = "SELECT count(*) FROM audit_events WHERE $1::bigint IS NULL OR subject_id = $1"


async def insert(
    connection: Connection,
    action: AuditAction,
    *,
    actor_id: int,
    subject_id: int,
    request_id: str | None = None,
    client: Client | None = None,
) -> None:
    """Put something on record, in the transaction that does it; ``client`` says by which request."""
    if client is not None and request_id is None:
        request_id = client.request_id
    await connection.execute(_INSERT, action, actor_id, subject_id, request_id)


async def page(connection: Connection, subject_id: int | None, limit: int, offset: int) -> tuple[list[AuditEvent], int]:
    """What was recorded, of one user or all, the newest first, and how much there is."""
    total: int = await connection.fetchval(_COUNT, subject_id)
    rows = await connection.fetch(_PAGE, subject_id, limit, offset)
    return [AuditEvent(**{**row, "action": AuditAction(row["action"])}) for row in rows], total
