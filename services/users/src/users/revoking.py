"""Tells the others, through Redis, which access tokens have ended early (``shared.identity.revocations``).

Postgres is the truth: each row is told to each Redis there is or comes to be. One that was emptied, or came
back with less than it had, has another id and is told all that matters once more.
"""

import asyncio
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import structlog
from opentelemetry.instrumentation.utils import suppress_instrumentation
from prometheus_client import Counter
from redis.asyncio import Redis

from shared.identity import add_revocations
from shared.identity.revocations import REVOKED_STREAM
from shared.messaging.cancellation import raise_if_cancelled
from shared.postgres import Database
from shared.postgres.database import UNAVAILABLE
from shared.redis_client import UNAVAILABLE as REDIS_UNAVAILABLE
from shared.redis_client import clustered
from users.domain.sessions import ACCESS_TOKEN_LIFETIME
from users.store import revocations as store
from users.store import service_tokens, signing_keys

log = structlog.stdlib.get_logger(__name__)

PUBLISHED = Counter("users_revocations_published_total", "Revocations of tokens written to Redis.")
FAILED = Counter("users_revocations_unpublished_total", "Rounds in which revocations could not be written to Redis.")

INTERVAL_SECONDS = 1.0
_BATCH = 500
_MADE = "tokens:revoked:made"
"""A word that is lost with the data: together with the server's run id it says which Redis this is."""
_KEPT_SECONDS = int(ACCESS_TOKEN_LIFETIME.total_seconds()) + 120


async def publish(database: Database, redis: Redis) -> int:
    """Tell this Redis what it has not been told; how much that was."""
    redis_id = await _identify(redis)
    published = 0
    while True:
        async with database.transaction() as connection:
            found = await store.take_unpublished(connection, redis_id, _BATCH)
            withdrawn = await signing_keys.take_unpublished(connection, redis_id)
            of_clients = await service_tokens.take_unpublished(connection, redis_id, _BATCH)
            if found or withdrawn or of_clients:
                # Before the commit: told twice does no harm, marked and not told would.
                await add_revocations(redis, withdrawn + found + of_clients, kept_seconds=_KEPT_SECONDS)
        published += len(found) + len(withdrawn) + len(of_clients)
        if max(len(found), len(of_clients)) < _BATCH:
            PUBLISHED.inc(published)
            return published


async def _identify(redis: Redis) -> str:
    cluster = clustered(redis)
    if cluster is None:
        made_key, server = _MADE, await redis.info("server")
    else:
        # Where the stream lies: another node may have it one day, with less than was told.
        made_key = f"{_MADE}:{{{REVOKED_STREAM}}}"
        await cluster.initialize()
        node = cluster.get_node_from_key(REVOKED_STREAM)
        server = await cluster.info("server", target_nodes=node)
    await redis.set(made_key, secrets.token_hex(8), nx=True)
    made = await redis.get(made_key)
    return f"{server['run_id']} {made!r}"


@asynccontextmanager
async def publishing(database: Database, redis: Redis) -> AsyncGenerator[None]:
    """Publish each second while the block runs; instances share the work."""
    task = asyncio.create_task(_keep_published(database, redis), name="revocations")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _keep_published(database: Database, redis: Redis) -> None:
    while True:
        try:
            with suppress_instrumentation():
                await publish(database, redis)
        except (*REDIS_UNAVAILABLE, *UNAVAILABLE) as error:
            FAILED.inc()
            log.warning("revocations_not_published", error=f"{type(error).__name__}: {error}")
        except Exception:
            FAILED.inc()
            log.exception("revocations_not_published")
        # A driver may have dropped the cancel on its way: the service would never end.
        raise_if_cancelled()
        await asyncio.sleep(INTERVAL_SECONDS)
