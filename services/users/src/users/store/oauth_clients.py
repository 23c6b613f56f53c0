"""The tables ``oauth_clients`` and ``oauth_client_secrets``."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from shared.postgres import Connection
from users.domain.oauth_clients import MAX_SECRETS, ClientSecret, ClientType, GrantType, OAuthClient

_COLUMNS = "client_id, name, type, grants, redirect_uris, scopes, tier, created_at, version"
_SECRET_COLUMNS = "id, prefix, created_at, last_used_at"  # noqa: S105 - names of columns

_INSERT = f"""
    INSERT INTO oauth_clients (client_id, name, type, grants, redirect_uris, scopes, tier)
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (client_id) DO NOTHING RETURNING {_COLUMNS}
"""  # noqa: S608 - a constant
_FIND = f"SELECT {_COLUMNS} FROM oauth_clients WHERE client_id = $1"  # noqa: S608 - a constant
_LOCK = f"{_FIND} FOR UPDATE"
_HOLD = f"{_FIND} FOR SHARE"
_PAGE = f"SELECT {_COLUMNS} FROM oauth_clients ORDER BY created_at DESC, client_id LIMIT $1 OFFSET $2"  # noqa: S608 - a constant
_COUNT = "SELECT count(*) FROM oauth_clients"
_UPDATE = f"""
    UPDATE oauth_clients SET name = $2, grants = $3, redirect_uris = $4, scopes = $5, tier = $6, version = version + 1
    WHERE client_id = $1 RETURNING {_COLUMNS}
"""  # noqa: S608 - a constant
_DELETE = "DELETE FROM oauth_clients WHERE client_id = $1 RETURNING true"
# One statement whether the client is there or not: the time of an answer does not tell.
_FIND_CREDENTIALS = f"""
    SELECT {_COLUMNS}, ARRAY(
        SELECT digest FROM oauth_client_secrets AS secrets WHERE secrets.client_id = oauth_clients.client_id ORDER BY id
    ) AS digests
    FROM oauth_clients WHERE client_id = $1
"""  # noqa: S608 - a constant
_INSERT_SECRET = f"""
    INSERT INTO oauth_client_secrets (client_id, digest, prefix) VALUES ($1, $2, $3) RETURNING {_SECRET_COLUMNS}
"""  # noqa: S608 - a constant
_FORGET_OLDEST = """
    DELETE FROM oauth_client_secrets WHERE client_id = $1
    AND id NOT IN (SELECT id FROM oauth_client_secrets WHERE client_id = $1 ORDER BY id DESC LIMIT $2)
"""
_SECRETS = f"SELECT {_SECRET_COLUMNS} FROM oauth_client_secrets WHERE client_id = $1 ORDER BY id"  # noqa: S608 - a constant
_SECRETS_OF_ALL = f"""
    SELECT client_id, {_SECRET_COLUMNS} FROM oauth_client_secrets WHERE client_id = ANY ($1::text[]) ORDER BY id
"""  # noqa: S608 - a constant
_DELETE_SECRET = "DELETE FROM oauth_client_secrets WHERE client_id = $1 AND id = $2 RETURNING true"  # noqa: S105 - no secret
_SECRET_HOLDS = "SELECT EXISTS (SELECT FROM oauth_client_secrets WHERE client_id = $1 AND digest = $2)"  # noqa: S105 - no secret
# A busy secret would otherwise write a row version a call.
_TOUCH = """
    UPDATE oauth_client_secrets SET last_used_at = now()
    WHERE client_id = $1 AND digest = $2 AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
"""


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """A client with the digests of its secrets."""

    client: OAuthClient
    digests: tuple[bytes, ...]


def _client(row: asyncpg.Record) -> OAuthClient:
    return OAuthClient(
        client_id=row["client_id"],
        name=row["name"],
        type=ClientType(row["type"]),
        grants=tuple(GrantType(grant) for grant in row["grants"]),
        redirect_uris=tuple(row["redirect_uris"]),
        scopes=tuple(row["scopes"]),
        tier=row["tier"],
        created_at=row["created_at"],
        version=row["version"],
    )


async def insert(
    connection: Connection,
    client_id: str,
    *,
    name: str,
    kind: ClientType,
    grants: Sequence[GrantType],
    redirect_uris: Sequence[str],
    scopes: Sequence[str],
    tier: str,
) -> OAuthClient | None:
    """Add a client; None when the name is taken."""
    row = await connection.fetchrow(
        _INSERT, client_id, name, kind, list(grants), list(redirect_uris), list(scopes), tier
    )
    return _client(row) if row else None


async def find(connection: Connection, client_id: str) -> OAuthClient | None:
    """The client of this name."""
    row = await connection.fetchrow(_FIND, client_id)
    return _client(row) if row else None


async def lock(connection: Connection, client_id: str) -> OAuthClient | None:
    """The client of this name, locked until the transaction ends."""
    row = await connection.fetchrow(_LOCK, client_id)
    return _client(row) if row else None


async def hold(connection: Connection, client_id: str) -> OAuthClient | None:
    """The client of this name, which stays as it is until the transaction ends; others may hold it too."""
    row = await connection.fetchrow(_HOLD, client_id)
    return _client(row) if row else None


async def page(connection: Connection, limit: int, offset: int) -> tuple[list[OAuthClient], int]:
    """Clients, the newest first, and how many there are in all."""
    total: int = await connection.fetchval(_COUNT)
    return [_client(row) for row in await connection.fetch(_PAGE, limit, offset)], total


async def update(connection: Connection, client: OAuthClient) -> OAuthClient:
    """Write everything of a locked client but its type, as the next version."""
    row = await connection.fetchrow(
        _UPDATE,
        client.client_id,
        client.name,
        list(client.grants),
        list(client.redirect_uris),
        list(client.scopes),
        client.tier,
    )
    if row is None:
        raise LookupError(f"client {client.client_id} is not there, although it was locked")
    return _client(row)


async def delete(connection: Connection, client_id: str) -> bool:
    """Remove a client with its secrets; False when there is none."""
    return await connection.fetchval(_DELETE, client_id) is True


async def find_credentials(connection: Connection, client_id: str) -> ClientCredentials | None:
    """The client with what its secret is checked against."""
    row = await connection.fetchrow(_FIND_CREDENTIALS, client_id)
    return ClientCredentials(_client(row), tuple(row["digests"])) if row else None


async def add_secret(connection: Connection, client_id: str, digest: bytes, prefix: str) -> ClientSecret:
    """Add a secret of a locked client; of more than two the oldest goes."""
    row = await connection.fetchrow(_INSERT_SECRET, client_id, digest, prefix)
    if row is None:
        raise LookupError("INSERT returned no row")
    await connection.execute(_FORGET_OLDEST, client_id, MAX_SECRETS)
    return ClientSecret(**row)


async def secrets_of(connection: Connection, client_id: str) -> list[ClientSecret]:
    """The client's secrets, the oldest first."""
    return [ClientSecret(**row) for row in await connection.fetch(_SECRETS, client_id)]


async def secrets_of_all(connection: Connection, client_ids: Sequence[str]) -> dict[str, list[ClientSecret]]:
    """The secrets of several clients, the oldest first, by client."""
    found: dict[str, list[ClientSecret]] = {}
    for row in await connection.fetch(_SECRETS_OF_ALL, list(client_ids)):
        values = dict(row)
        found.setdefault(values.pop("client_id"), []).append(ClientSecret(**values))
    return found


async def delete_secret(connection: Connection, client_id: str, secret_id: int) -> bool:
    """Remove a secret; False when there is none."""
    return await connection.fetchval(_DELETE_SECRET, client_id, secret_id) is True


async def secret_holds(connection: Connection, client_id: str, digest: bytes | None) -> bool:
    """Whether a secret has not ended since it was shown; of a client that is held none does."""
    return bool(await connection.fetchval(_SECRET_HOLDS, client_id, digest))


async def touch_secret(connection: Connection, client_id: str, digest: bytes) -> None:
    """Note that the secret was used, once a minute at most."""
    await connection.execute(_TOUCH, client_id, digest)
