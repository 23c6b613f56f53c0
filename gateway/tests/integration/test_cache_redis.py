"""Two gateway processes and one Redis: what one has kept the other finds, what one changes the other forgets."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from gateway_testing.cacheable import FRESH, Says, eventually, hit, path
from gateway_testing.process import GatewayProcess, Valkey
from gateway_testing.upstream import RawUpstream
from gateway_testing.wire import Answer, ask

from gateway.cache.shared_cache import SharedCache
from gateway.routes.model import CacheStore

ROUTES = Path(__file__).parent / "cache_routes.toml"


@pytest.fixture(scope="module")
async def two(running_upstream: RawUpstream) -> AsyncIterator[tuple[GatewayProcess, GatewayProcess]]:
    """Two processes with a valkey of their own."""
    valkey = Valkey()
    valkey.start()
    processes = [GatewayProcess(running_upstream.port, valkey.port, GATEWAY_ROUTES=str(ROUTES)) for _ in range(2)]
    for process in processes:
        process.valkey = valkey
        await asyncio.to_thread(process.start)
    for process in processes:
        await process.ready()
        await with_redis(process)
    yield processes[0], processes[1]
    for process in processes:
        await asyncio.to_thread(process.stop)
    valkey.stop()


async def with_redis(process: GatewayProcess) -> None:
    async def up() -> bool:
        return await process.metric("gateway_cache_redis_up") == 1

    await eventually(up)


def from_redis(answer: Answer) -> bool:
    return any("detail=redis" in value for value in answer.all("cache-status"))


async def kept_in_redis(gateway: GatewayProcess, target: str, other: GatewayProcess) -> Answer:
    """Ask one for it; the other's first answer."""
    keys = gateway.valkey.command("EVAL", "\"return #redis.call('KEYS','gatehouse:cache:answer:*')\"", "0")
    await ask(gateway.port, "GET", target)

    async def put() -> bool:
        now = gateway.valkey.command("EVAL", "\"return #redis.call('KEYS','gatehouse:cache:answer:*')\"", "0")
        return now != keys

    await eventually(put)
    return await ask(other.port, "GET", target)


async def test_what_one_keeps_the_other_finds(two: tuple[GatewayProcess, GatewayProcess], upstream: RawUpstream):
    upstream.manner = says = Says([*FRESH, ("x-more", "caf\xe9")], etag='"7"', size=2000)
    target = path()
    found = await kept_in_redis(two[0], target, two[1])
    assert from_redis(found)
    assert (found.status, found["etag"], found["x-more"], len(found.body)) == (200, '"7"', "caf\xe9", 2000)
    assert hit(await ask(two[1].port, "GET", target))
    assert says.count == 1


async def test_every_key_has_an_end_and_a_large_answer_has_none(
    two: tuple[GatewayProcess, GatewayProcess], upstream: RawUpstream
):
    upstream.manner = says = Says(FRESH, size=60_000)
    target = path()
    await ask(two[0].port, "GET", target)
    assert hit(await ask(two[0].port, "GET", target))
    assert not from_redis(await ask(two[1].port, "GET", target))
    assert says.count == 2
    says.size = 10
    await kept_in_redis(two[0], path(), two[1])
    await ask(two[0].port, "PATCH", path(), body=b"{}")
    without_end = """"
        local n = 0
        for _, key in ipairs(redis.call('KEYS', 'gatehouse:cache:*')) do
          if redis.call('PTTL', key) < 0 then n = n + 1 end
        end
        return n" """
    assert two[0].valkey.command("EVAL", " ".join(without_end.split()), "0") == b":0\r\n"


async def test_a_change_through_one_is_forgotten_by_the_other(
    two: tuple[GatewayProcess, GatewayProcess], upstream: RawUpstream
):
    upstream.manner = Says(FRESH)
    target = path()
    await kept_in_redis(two[0], target, two[1])
    assert hit(await ask(two[1].port, "GET", target))
    await ask(two[0].port, "PATCH", target, body=b"{}")

    async def forgotten() -> bool:
        return (await ask(two[1].port, "GET", target)).body != b"body 1"

    await eventually(forgotten)
    # Fetched by the other, or once more where what that one put into Redis is still on its way.
    assert (await ask(two[0].port, "GET", target)).body != b"body 1"


async def test_what_was_asked_for_before_a_change_is_not_kept_after_it(
    two: tuple[GatewayProcess, GatewayProcess], upstream: RawUpstream
):
    says = Says(FRESH)
    reached, go = asyncio.Event(), asyncio.Event()

    async def slow(call: object) -> None:
        reached.set()
        await go.wait()
        await says(call)  # pyright: ignore[reportArgumentType]

    upstream.manner = slow
    target = path()
    early = asyncio.create_task(ask(two[0].port, "GET", target))
    await reached.wait()
    upstream.manner = says
    await ask(two[1].port, "PATCH", target, body=b"{}")
    told = await ask(two[0].port, "PATCH", target, body=b"{}")
    assert told.status == 204
    go.set()
    assert (await early).body == b"body 1"
    for gateway in two:
        answer = await ask(gateway.port, "GET", target)
        assert answer.body.startswith(b"body ")
        assert answer.body != b"body 1"


async def test_a_purge_in_one_process_reaches_the_others_and_redis(
    two: tuple[GatewayProcess, GatewayProcess], upstream: RawUpstream
):
    upstream.manner = Says(FRESH)
    target = path()
    await kept_in_redis(two[0], target, two[1])
    # A third one, in this process.
    cache = SharedCache(CacheStore(), f"redis://127.0.0.1:{two[0].valkey.port}/0", compress=True, patience=60)
    cache.take(CacheStore(), used=True)

    async def up() -> bool:
        return cache.shared

    await eventually(up)
    assert cache.purge(b"/api/v1/kept/") == 0
    for gateway in two:

        async def forgotten(port: int = gateway.port) -> bool:
            return (await ask(port, "GET", target)).body != b"body 1"

        await eventually(forgotten)
    cache.stop()


async def test_redis_away_is_a_miss_and_what_changed_meanwhile_is_told_when_it_is_back(
    two: tuple[GatewayProcess, GatewayProcess], upstream: RawUpstream
):
    upstream.manner = says = Says(FRESH)
    target = path()
    await kept_in_redis(two[0], target, two[1])
    two[0].valkey.stop()

    async def down() -> bool:
        return await two[0].metric("gateway_cache_redis_up") == await two[1].metric("gateway_cache_redis_up") == 0

    await eventually(down)
    assert hit(await ask(two[1].port, "GET", target))
    other = path()
    assert (await ask(two[0].port, "GET", other)).status == 200
    assert hit(await ask(two[0].port, "GET", other))
    await ask(two[0].port, "PATCH", target, body=b"{}")
    assert not hit(await ask(two[0].port, "GET", target))
    two[0].valkey.start()
    for gateway in two:
        await with_redis(gateway)

    async def forgotten() -> bool:
        return (await ask(two[1].port, "GET", target)).body == b"body %d" % says.count

    await eventually(forgotten)
