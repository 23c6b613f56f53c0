"""Limits on a real Redis Cluster over two gateways: exact, all or nothing (TRAPS, rate limiting 1, 2, 5)."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from gateway_testing.clustered import address_on, addresses, get, started, statuses
from gateway_testing.process import GatewayProcess
from gateway_testing.upstream import RawUpstream

from shared.testing.redis_cluster import RedisCluster, running_cluster

EXACT = ["sliding_window", "sliding_log", "sliding_counter", "fixed_window", "token_bucket", "leaky_bucket"]


@pytest.fixture(scope="module")
def cluster() -> Iterator[RedisCluster]:
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture(scope="module")
async def two(running_upstream: RawUpstream, cluster: RedisCluster) -> AsyncIterator[list[GatewayProcess]]:
    processes = await started(running_upstream, cluster, 2)
    yield processes
    for process in processes:
        await asyncio.to_thread(process.stop)


async def verdicts(processes: list[GatewayProcess], outcome: str) -> float:
    return sum([await process.metric("gateway_limit_verdicts_total", outcome=outcome) for process in processes])


async def refunds(processes: list[GatewayProcess], outcome: str) -> float:
    return sum([await process.metric("gateway_limit_refunds_total", outcome=outcome) for process in processes])


@pytest.mark.parametrize("algorithm", EXACT)
async def test_clients_of_every_node_are_admitted_to_their_very_quota(
    two: list[GatewayProcess], cluster: RedisCluster, algorithm: str
):
    clients = [address_on(cluster, node) for node in cluster.nodes for _ in range(2)]
    told = await asyncio.gather(*(statuses(two, algorithm, client, 8) for client in clients))
    assert told == [[200] * 5 + [429] * 3] * 6
    # Each was counted where it belongs, and nobody by a gateway alone.
    found = cluster.keys(f"gatehouse:limit:{algorithm}:*")
    for client, node in zip(clients, [node for node in cluster.nodes for _ in range(2)], strict=True):
        assert any(f"{{address:{client}}}" in key for key in found[node.port])
    assert await verdicts(two, "local") == 0


async def test_5_limits_of_one_client_are_charged_together_or_not_at_all(two: list[GatewayProcess]):
    client = next(addresses())
    assert await statuses(two, "together", client, 10) == [200] * 3 + [429] * 7
    # Those that the second limit refused cost the first nothing.
    assert (await get(two[0], "sliding_window", client))["x-ratelimit-remaining"] == "1"


@pytest.mark.parametrize("algorithm", EXACT)
async def test_5_a_refusal_in_another_slot_gives_back_what_the_first_had_charged(
    two: list[GatewayProcess], cluster: RedisCluster, algorithm: str
):
    cluster_key = f"{{route:/api/parted/{algorithm}}}"
    client = address_on(cluster, next(node for node in cluster.nodes if node is not cluster.owner(cluster_key)))
    given = await refunds(two, "given")
    # A quota of 5 by address and of 3 by route.
    for turn in range(6):
        admitted = (await get(two[turn % 2], f"parted/{algorithm}", client)).status == 200
        assert admitted == (turn < 3)
        async with asyncio.timeout(60):
            while await refunds(two, "given") < given + max(0, turn - 2):
                await asyncio.sleep(0.01)
    answer = await get(two[0], algorithm, client)
    assert (answer.status, answer["x-ratelimit-remaining"]) == (200, "1")
    assert await refunds(two, "lost") == 0
