"""What people allowed clients, so that they are not asked again. Triggers remove it (migration 0010)."""

from collections.abc import Sequence

from shared.postgres import Connection

_COVERS = """
    SELECT EXISTS (SELECT FROM oauth_consents WHERE user_id = $1 AND client_id = $2 AND scopes @> $3::text[])
"""
_KEEP = """
    INSERT INTO oauth_consents (user_id, client_id, scopes) VALUES ($1, $2, $3)
    ON CONFLICT (user_id, client_id) DO UPDATE SET given_at = now(), scopes = ARRAY(
        SELECT DISTINCT unnest(oauth_consents.scopes || excluded.scopes) ORDER BY 1)
"""


async def covers(connection: Connection, user_id: int, client_id: str, scopes: Sequence[str]) -> bool:
    """Whether the person allowed the client all of these before."""
    return bool(await connection.fetchval(_COVERS, user_id, client_id, list(scopes)))


async def keep(connection: Connection, user_id: int, client_id: str, scopes: Sequence[str]) -> None:
    """Note what the person allows, beside what was allowed before."""
    await connection.execute(_KEEP, user_id, client_id, list(scopes))
