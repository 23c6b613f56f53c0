"""What the tests on a Redis Cluster share: gateways on one, and addresses of clients by the node that counts them."""

import asyncio
import itertools
import secrets
from collections.abc import Iterator
from pathlib import Path

from gateway.redis_cluster.slots import slot_of
from gateway_testing.process import GatewayProcess
from gateway_testing.upstream import RawUpstream
from gateway_testing.wire import Answer, ask
from local_stack.servers.redis_users import user_lines
from shared.testing.redis_cluster import ClusterNode, RedisCluster

ROUTES = Path(__file__).parents[2] / "integration" / "redis_cluster.toml"
_PASSWORD = secrets.token_hex(16)
_numbers = itertools.count(1)


async def started(
    upstream: RawUpstream, cluster: RedisCluster, number: int, **environment: str
) -> list[GatewayProcess]:
    """So many gateways on the cluster; who calls them says its address by X-Forwarded-For."""
    processes = [
        GatewayProcess(
            upstream.port,
            0,
            GATEWAY_ROUTES=str(ROUTES),
            **{"REDIS_URL": cluster.url, **environment},
            TRUSTED_PROXIES="127.0.0.1/32",
        )
        for _ in range(number)
    ]
    for process in processes:
        await asyncio.to_thread(process.start)
    await asyncio.gather(*(process.ready() for process in processes))
    for process in processes:
        await counting(process)
    return processes


def admitted(cluster: RedisCluster) -> str:
    """The cluster as the gateway's own user knows it, which has no more rights there than it needs."""
    (line,) = user_lines({"gateway": _PASSWORD}).splitlines()
    for node in cluster.all:
        node.say("ACL", "SETUSER", *line.split()[1:])
    return cluster.url.replace("://", f"://gateway:{_PASSWORD}@")


async def counting(process: GatewayProcess, up: int = 1) -> None:
    """Wait until every limit is counted in the cluster, or with 0 until some are not."""
    async with asyncio.timeout(120):
        while await process.metric("gateway_limiter_up") != up:
            await asyncio.sleep(0.02)


def addresses() -> Iterator[str]:
    """Of clients that nobody was yet."""
    for number in _numbers:
        yield f"198.18.{number // 250}.{number % 250 + 1}"


def address_on(cluster: RedisCluster, node: ClusterNode) -> str:
    """Of a client that the node counts."""
    return next(address for address in addresses() if cluster.owner(f"{{address:{address}}}") is node)


def client_slot(address: str) -> int:
    """Where its limits lie."""
    return slot_of(f"{{address:{address}}}")


async def get(process: GatewayProcess, path: str, address: str, **headers: str) -> Answer:
    """As this client."""
    return await ask(process.port, "GET", f"/api/v1/{path}", {"x-forwarded-for": address, **headers})


async def statuses(processes: list[GatewayProcess], path: str, address: str, number: int) -> list[int]:
    """Of so many requests at once, over all processes in turn; sorted."""
    turns = [processes[turn % len(processes)] for turn in range(number)]
    answers = await asyncio.gather(*(get(process, path, address) for process in turns))
    return sorted(answer.status for answer in answers)
