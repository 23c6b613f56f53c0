"""A Redis Cluster that changes under the gateways: slots that move, a node that dies, a replica that takes over (TRAPS,
rate limiting 6)."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator

import pytest
from gateway_testing.cacheable import FRESH, Says, eventually, path
from gateway_testing.clustered import address_on, admitted, client_slot, counting, get, started, statuses
from gateway_testing.process import GatewayProcess
from gateway_testing.tokens import Issuer
from gateway_testing.upstream import RawUpstream
from gateway_testing.wire import Answer, ask

from shared.testing.redis_cluster import RedisCluster, running_cluster


@pytest.fixture(scope="module")
def cluster() -> Iterator[RedisCluster]:
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture(scope="module")
async def two(running_upstream: RawUpstream, cluster: RedisCluster) -> AsyncIterator[list[GatewayProcess]]:
    processes = await started(running_upstream, cluster, 2, REDIS_URL=admitted(cluster), REDIS_PATIENCE_SECONDS="2")
    yield processes
    for process in processes:
        await asyncio.to_thread(process.stop)


async def uncounted(processes: list[GatewayProcess]) -> float:
    """Requests that were decided without Redis."""
    outcomes = ("local", "open", "closed")
    return sum(
        [
            await process.metric("gateway_limit_verdicts_total", outcome=outcome)
            for process in processes
            for outcome in outcomes
        ]
    )


@pytest.mark.parametrize("to", ["a node with slots", "a node without any"])
async def test_a_slot_that_moves_under_load_loses_nothing(two: list[GatewayProcess], cluster: RedisCluster, to: str):
    source = cluster.nodes[0]
    target = cluster.spare if to == "a node without any" else cluster.nodes[1]
    before = await uncounted(two)
    # Two keys in the slot of a client who has been here, and of one who comes while it moves.
    known = address_on(cluster, source)
    slot = client_slot(known)
    told = [*await statuses(two, "together", known, 1)]
    await asyncio.to_thread(cluster.begin_move, slot, source, target)
    told += await statuses(two, "together", known, 1)
    # One of the two keys is there, the other is here: no node takes a call with both.
    assert await asyncio.to_thread(cluster.move_keys, slot, source, target, 1) == 1
    told += await statuses(two, "together", known, 4)
    assert sorted(told) == [200] * 3 + [429] * 3
    await asyncio.to_thread(cluster.end_move, slot, source, target)
    assert await statuses(two, "together", known, 3) == [429] * 3
    # What the second limit refused was given back to the first, wherever its key was.
    async with asyncio.timeout(60):
        while (answer := await get(two[0], "sliding_window", known)).status != 200:
            await asyncio.sleep(0.01)
    assert answer["x-ratelimit-remaining"] == "1"
    assert await uncounted(two) == before
    # The slot goes home, while a client who was never seen asks.
    await asyncio.to_thread(cluster.begin_move, slot, target, source)
    await asyncio.to_thread(cluster.end_move, slot, target, source)
    assert await statuses(two, "sliding_window", known, 2) == [200, 429]


async def test_a_client_who_comes_while_its_slot_moves_is_counted_once(
    two: list[GatewayProcess], cluster: RedisCluster
):
    source, target = cluster.nodes[2], cluster.nodes[1]
    before = await uncounted(two)
    new = address_on(cluster, source)
    slot = client_slot(new)
    await asyncio.to_thread(cluster.begin_move, slot, source, target)
    # None of its keys is anywhere: they begin where the slot goes to.
    assert await statuses(two, "together", new, 8) == [200] * 3 + [429] * 5
    await asyncio.to_thread(cluster.end_move, slot, source, target)
    assert await statuses(two, "together", new, 2) == [429] * 2
    assert await uncounted(two) == before


async def test_what_one_gateway_keeps_the_other_finds_and_forgets(
    two: list[GatewayProcess], cluster: RedisCluster, upstream: RawUpstream
):
    upstream.manner = says = Says(FRESH)
    targets = [path() for _ in range(6)]
    for target in targets:
        await ask(two[0].port, "GET", target)

    async def put() -> bool:
        return sum(len(keys) for keys in cluster.keys("gatehouse:cache:answer:*").values()) >= len(targets)

    await eventually(put)
    found = [await ask(two[1].port, "GET", target) for target in targets]
    assert all(_from_redis(answer) for answer in found)
    assert says.count == len(targets)
    assert sum(bool(keys) for keys in cluster.keys("gatehouse:cache:answer:*").values()) > 1
    await ask(two[0].port, "PUT", targets[0], {"content-length": "0"})

    async def forgotten() -> bool:
        return (await ask(two[1].port, "GET", targets[0])).body != found[0].body

    await eventually(forgotten)
    assert (await ask(two[1].port, "GET", targets[1])).body == found[1].body


async def test_what_ended_is_read_from_the_node_that_the_stream_moved_to(
    two: list[GatewayProcess], cluster: RedisCluster, issuer: Issuer
):
    async def refused(token: str) -> bool:
        return all([await _private(process, token) == 401 for process in two])

    tokens = [issuer.token("cluster", sid=f"cluster-{number}") for number in range(3)]
    assert [await _private(process, token) for process in two for token in tokens] == [200] * 6
    slot, source = cluster.slot("tokens:revoked"), cluster.owner("tokens:revoked")
    source.say("XADD", "tokens:revoked", "*", "session", "cluster-0", "until", 2**32)
    await eventually(lambda: refused(tokens[0]))
    target = next(node for node in cluster.nodes if node is not source)
    await asyncio.to_thread(cluster.begin_move, slot, source, target)
    await asyncio.to_thread(cluster.move_keys, slot, source, target)
    # On the way: who writes is sent on with ASK, and who reads follows.
    pipe = target.client.pipeline(transaction=False)
    pipe.execute_command("ASKING").xadd("tokens:revoked", {"session": "cluster-1", "until": 2**32}).execute()
    await eventually(lambda: refused(tokens[1]))
    await asyncio.to_thread(cluster.end_move, slot, source, target)
    target.say("XADD", "tokens:revoked", "*", "session", "cluster-2", "until", 2**32)
    await eventually(lambda: refused(tokens[2]))


async def test_6_of_a_node_that_hangs_the_mode_decides_and_the_others_go_on(
    two: list[GatewayProcess], cluster: RedisCluster
):
    hung, there = cluster.nodes[1], cluster.nodes[2]
    one, other = address_on(cluster, hung), address_on(cluster, there)
    late = await two[0].metric("gateway_limiter_late_total")
    os.kill(hung.pid, signal.SIGSTOP)
    try:
        assert await statuses(two, "open", one, 8) == [200] * 8
        assert await statuses(two, "closed", one, 4) == [503] * 4
        assert await two[0].metric("gateway_limiter_late_total") > late
        assert await statuses(two, "closed", other, 8) == [200] * 5 + [429] * 3
    finally:
        os.kill(hung.pid, signal.SIGCONT)
    for process in two:
        await counting(process)
    assert await statuses(two, "closed", address_on(cluster, hung), 8) == [200] * 5 + [429] * 3


async def test_6_of_a_node_that_dies_each_route_has_its_mode_and_the_others_go_on(
    two: list[GatewayProcess], cluster: RedisCluster
):
    lost, there = cluster.nodes[1], cluster.nodes[0]
    one, other = address_on(cluster, lost), address_on(cluster, there)
    assert await statuses(two, "local", other, 2) == [200] * 2
    lost.kill()
    for process in two:
        await counting(process, 0)
    assert await statuses(two, "open", one, 8) == [200] * 8
    assert await statuses(two, "closed", one, 4) == [503] * 4
    # A quota of 5 and a local share of 0.4: 2 of each gateway.
    assert await statuses(two, "local", one, 10) == [200] * 4 + [429] * 6
    assert await statuses(two, "local", other, 10) == [200] * 3 + [429] * 7
    assert await statuses(two, "closed", other, 1) == [429]
    # Limits in two slots, of which one is lost: the mode for that one, and the other is charged and holds.
    lost_route = cluster.owner("{route:/api/parted/sliding_log}") is lost
    fresh = address_on(cluster, there)
    assert await statuses(two, "parted/sliding_log", fresh, 8) == (
        [200] * 2 + [429] * 6 if lost_route else [200] * 3 + [429] * 5
    )
    await asyncio.to_thread(lost.start)
    admitted(cluster)
    for process in two:
        await counting(process)
    # It comes back empty and counts anew, all of the quota and no more.

    async def counted() -> bool:
        return (await get(two[0], "closed", address_on(cluster, lost))).status == 200

    await eventually(counted)
    assert await statuses(two, "closed", address_on(cluster, lost), 8) == [200] * 5 + [429] * 3


async def test_6_a_replica_that_takes_over_has_the_counts(two: list[GatewayProcess], cluster: RedisCluster):
    lost, replica = cluster.nodes[0], cluster.spare
    replica.say("CLUSTER", "REPLICATE", lost.id)
    client = address_on(cluster, lost)

    async def follows() -> bool:
        return (await asyncio.to_thread(replica.say, "INFO", "replication")).get("master_link_status") == "up"

    await eventually(follows)
    assert await statuses(two, "closed", client, 3) == [200] * 3
    # A write of the connection that waits: what was written before it has arrived with it.
    lost.say("SET", f"last:{{address:{client}}}", 1)
    assert await asyncio.to_thread(lost.say, "WAIT", 1, 9_000) == 1
    lost.kill()
    replica.say("CLUSTER", "FAILOVER", "TAKEOVER")
    for process in two:
        await counting(process)

    async def answered() -> bool:
        return (await get(two[0], "closed", client)).status == 200

    await eventually(answered)
    assert await statuses(two, "closed", client, 4) == [200] + [429] * 3


async def _private(process: GatewayProcess, token: str) -> int:
    return (await ask(process.port, "GET", "/api/v1/private", {"authorization": f"Bearer {token}"})).status


def _from_redis(answer: Answer) -> bool:
    return any("detail=redis" in value for value in answer.all("cache-status"))
