"""The table ``seeds``: what was seeded already."""

from shared.postgres import Connection

_CLAIM = "INSERT INTO seeds (name) VALUES ($1) ON CONFLICT DO NOTHING RETURNING name"


async def claim(connection: Connection, name: str) -> bool:
    """Whether the caller is the first to seed this; others wait for its transaction to know."""
    return await connection.fetchval(_CLAIM, name) is not None
