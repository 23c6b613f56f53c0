"""The client of Redis that a process holds: of one server, or of a cluster by the same calls."""

from typing import cast

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.client import PubSub
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisClusterException, RedisError

from shared.redis_url import cluster_url, is_cluster
from shared.settings import RedisSettings

UNAVAILABLE = (RedisError, RedisClusterException, OSError, TimeoutError)
"""What a call raises when Redis is away, or the part of it that has the key."""

_HEALTH_CHECK_SECONDS = 15
_MOST_CONNECTIONS = 20_000


def create_redis(settings: RedisSettings) -> Redis:
    """A client whose calls end within their time."""
    url = settings.url.get_secret_value()
    if not is_cluster(url):
        return Redis.from_url(
            url,
            socket_timeout=settings.timeout_seconds,
            socket_connect_timeout=settings.timeout_seconds,
            health_check_interval=_HEALTH_CHECK_SECONDS,
        )
    found = cluster_url(url)
    cluster = RedisCluster(
        startup_nodes=[ClusterNode(host, port) for host, port in found.seeds],
        username=found.username or None,
        password=found.password or None,
        ssl=found.encrypted,
        # What one node has lost is no reason to do without the others.
        require_full_coverage=False,
        # Our callers have less patience than ten rounds over all nodes.
        retry=Retry(NoBackoff(), 2),
        # Who watches a job holds one.
        max_connections=_MOST_CONNECTIONS,
        socket_timeout=settings.timeout_seconds,
        socket_connect_timeout=settings.timeout_seconds,
        health_check_interval=_HEALTH_CHECK_SECONDS,
    )
    # No subclass, but it has every call that a service makes; the tests on a cluster hold it to that.
    return cast("Redis", cluster)


def clustered(redis: Redis) -> RedisCluster | None:
    """The client as that of a cluster; None where there is one server, whose keys may be used together."""
    return redis if isinstance(redis, RedisCluster) else None


async def listening(redis: Redis) -> PubSub:
    """To subscribe with: on any node of a cluster, for each is told what was published at another."""
    cluster = clustered(redis)
    if cluster is None:
        return redis.pubsub()
    await cluster.initialize()
    return cluster.pubsub(node=cluster.get_random_node())
