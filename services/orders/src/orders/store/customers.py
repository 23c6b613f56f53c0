"""The table ``customers``: which users there are, as their events told."""

from shared.postgres import Connection

_APPLY = """
INSERT INTO customers (id, version, deleted) VALUES ($1, $2, $3)
ON CONFLICT (id) DO UPDATE SET version = excluded.version, deleted = excluded.deleted, updated_at = now()
WHERE customers.version < excluded.version AND NOT customers.deleted
"""
_IS_KNOWN = "SELECT EXISTS (SELECT FROM customers WHERE id = $1)"


async def apply(connection: Connection, user_id: int, *, version: int, deleted: bool) -> None:
    """Take over what an event said, unless a newer one was heard already; who is deleted stays so."""
    await connection.execute(_APPLY, user_id, version, deleted)


async def is_known(connection: Connection, user_id: int) -> bool:
    """Whether there is, or was, such a user."""
    known: bool = await connection.fetchval(_IS_KNOWN, user_id)
    return known
