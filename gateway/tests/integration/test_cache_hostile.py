"""The cache against who means harm, and against services and clients that break off."""

import asyncio
import contextlib

import pytest
from gateway_testing.cacheable import FRESH, Says, eventually, hit, path
from gateway_testing.process import GatewayProcess
from gateway_testing.upstream import Call, RawUpstream
from gateway_testing.wire import Wire, ask, request


def from_host(host: str, target: str, *more: str) -> bytes:
    return "\r\n".join([f"GET {target} HTTP/1.1", f"host: {host}", *more, "", ""]).encode()


async def test_poisoning_what_is_in_no_key_does_not_reach_the_service_and_what_reaches_it_is_in_the_key(
    caching: GatewayProcess, upstream: RawUpstream
):
    async def reflects(call: Call) -> None:
        reflected = "|".join(f"{name}={value}" for name, value in call.seen.headers if "evil" in value)
        await call.answer(200, (reflected or "clean").encode(), *FRESH)

    upstream.manner = reflects
    wire = await Wire.open(caching.port)

    async def body(data: bytes) -> bytes:
        await wire.send(data)
        return (await wire.answer()).body

    for header in (
        "x-forwarded-host",
        "x-forwarded-scheme",
        "x-forwarded-proto",
        "x-forwarded-prefix",
        "x-original-url",
        "x-rewrite-url",
        "x-http-method-override",
        "x-http-method",
        "forwarded",
        "x-real-ip",
    ):
        target = path()
        assert await body(from_host("good.test", target, f"{header}: evil.test")) == b"clean", header
        assert await body(from_host("good.test", target)) == b"clean"
    target = path()
    assert b"evil" in await body(from_host("evil.test", target))
    assert await body(from_host("good.test", target)) == b"clean"
    seen = len(upstream.seen)
    assert await body(from_host("GOOD.test", target)) == b"clean"
    assert len(upstream.seen) == seen
    wire.close()


async def test_a_get_with_a_body_neither_asks_the_cache_nor_fills_it(caching: GatewayProcess, upstream: RawUpstream):
    upstream.manner = says = Says(FRESH)
    target = path()
    first = await ask(caching.port, "GET", target, body=b"evil")
    assert first["cache-status"] == "gatehouse; fwd=bypass"
    assert not hit(await ask(caching.port, "GET", target))
    assert not hit(await ask(caching.port, "GET", target, body=b"evil"))
    assert says.count == 3


async def test_a_flood_of_variants_and_of_paths_stays_within_its_room(caching: GatewayProcess, upstream: RawUpstream):
    upstream.manner = says = Says([*FRESH, ("vary", "x-any")])
    target = path()
    before = await caching.metric("gateway_cache_answers")
    for number in range(40):
        await ask(caching.port, "GET", target, {"x-any": str(number)})
    assert await caching.metric("gateway_cache_answers") - before <= 16
    assert hit(await ask(caching.port, "GET", target, {"x-any": "39"}))
    says.headers, says.size = FRESH, 200_000
    used = path()
    for number in range(20):
        await ask(caching.port, "GET", used)
        await ask(caching.port, "GET", f"{used}?{number}")
        assert await caching.metric("gateway_cache_bytes") <= 2_000_000
    assert await caching.metric("gateway_cache_evictions_total") > 5
    # What is asked for again and again outlives what was asked for once.
    assert hit(await ask(caching.port, "GET", used))


async def test_larger_than_the_route_keeps(caching: GatewayProcess, upstream: RawUpstream):
    upstream.manner = says = Says(FRESH, size=6_000)
    target = path("firm")
    assert len((await ask(caching.port, "GET", target)).body) == 6_000

    async def chunked(call: Call) -> None:
        await call.send(b"HTTP/1.1 200 X\r\ncache-control: max-age=60\r\ntransfer-encoding: chunked\r\n\r\n")
        for _ in range(4):
            await call.send(b"5dc\r\n" + b"x" * 1500 + b"\r\n")
        await call.send(b"0\r\n\r\n")

    assert not hit(await ask(caching.port, "GET", target))
    upstream.manner = chunked
    target = path("firm")
    for _ in range(2):
        answer = await ask(caching.port, "GET", target)
        assert (len(answer.body), hit(answer)) == (6_000, False)
    assert says.count == 2


BROKEN = [
    b"HTTP/1.1 200 X\r\ncache-control: max-age=60\r\ncontent-length: 100\r\n\r\nhalf",
    b"HTTP/1.1 200 X\r\ncache-control: max-age=60\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    b"HTTP/1.1 200 X\r\ncache-control: max-age=60\r\nconnection: close\r\n\r\nwho knows",
]


@pytest.mark.parametrize("data", BROKEN)
async def test_what_broke_off_is_not_kept(caching: GatewayProcess, upstream: RawUpstream, data: bytes):
    async def breaks(call: Call) -> None:
        await call.send(data)
        call.writer.close()

    upstream.manner = breaks
    target = path()
    with contextlib.suppress(ConnectionError):
        await ask(caching.port, "GET", target)
    upstream.manner = Says(FRESH)
    answer = await ask(caching.port, "GET", target)
    assert (answer.body, hit(answer)) == (b"body 1", False)


class Held:
    """A manner that answers when it is told to."""

    def __init__(self, says: Says) -> None:
        self.says = says
        self.asked = 0
        self.go = asyncio.Event()

    async def __call__(self, call: Call) -> None:
        self.asked += 1
        await self.go.wait()
        await self.says(call)


async def waiting(caching: GatewayProcess, wires: list[Wire], target: str, *, before: int = 0) -> None:
    """All have asked, and all are in flight, beside those from before."""
    for wire in wires:
        await wire.send(request("GET", target))

    async def there() -> bool:
        return await caching.metric("gateway_requests_in_flight") == before + len(wires)

    await eventually(there)


async def test_the_fetching_client_hangs_up_and_the_next_fetches(caching: GatewayProcess, upstream: RawUpstream):
    upstream.manner = held = Held(Says(FRESH))
    target = path()
    wires = [await Wire.open(caching.port) for _ in range(10)]
    await waiting(caching, wires[:1], target)
    await eventually(lambda: _true(held.asked == 1))
    await waiting(caching, wires[1:], target, before=1)
    wires[0].abort()
    await eventually(lambda: _true(held.asked == 2))
    held.go.set()
    answers = await asyncio.gather(*(wire.answer() for wire in wires[1:]))
    assert {(answer.status, len(answer.body)) for answer in answers} == {(200, 6)}
    assert held.asked == 2
    for wire in wires:
        wire.close()


async def _true(value: bool) -> bool:  # noqa: FBT001
    return value


async def test_what_cannot_be_shared_is_fetched_by_each(caching: GatewayProcess, upstream: RawUpstream):
    upstream.manner = held = Held(Says([("cache-control", "private, max-age=60")]))
    target = path()
    wires = [await Wire.open(caching.port) for _ in range(8)]
    await waiting(caching, wires, target)
    held.go.set()
    answers = await asyncio.gather(*(wire.answer() for wire in wires))
    assert sorted(answer.body for answer in answers) == [b"body %d" % number for number in range(1, 9)]
    # And for a while nobody waits for another's.
    held.go.clear()
    again = [asyncio.create_task(ask(caching.port, "GET", target)) for _ in range(3)]
    await eventually(lambda: _true(held.asked == 11))
    held.go.set()
    await asyncio.gather(*again)
    for wire in wires:
        wire.close()


async def test_a_service_that_fails_is_not_asked_again_by_all_who_waited(
    caching: GatewayProcess, upstream: RawUpstream
):
    held = Held(Says(FRESH))

    async def breaks(call: Call) -> None:
        held.asked += 1
        await held.go.wait()
        call.writer.close()

    upstream.manner = breaks
    target = path()
    wires = [await Wire.open(caching.port) for _ in range(20)]
    await waiting(caching, wires, target)
    held.go.set()
    answers = await asyncio.gather(*(wire.answer() for wire in wires))
    assert {answer.status for answer in answers} == {502}
    assert held.asked <= 2
    for wire in wires:
        wire.close()


async def test_who_waited_long_enough_fetches_by_itself(caching: GatewayProcess, upstream: RawUpstream):
    upstream.manner = held = Held(Says(FRESH))
    target = path("firm")
    first = asyncio.create_task(ask(caching.port, "GET", target))
    await eventually(lambda: _true(held.asked == 1))
    second = asyncio.create_task(ask(caching.port, "GET", target))
    await eventually(lambda: _true(held.asked == 2))
    held.go.set()
    assert {(await task).status for task in (first, second)} == {200}


async def test_only_a_change_that_succeeded_and_what_it_names_on_this_host_counts(
    caching: GatewayProcess, upstream: RawUpstream
):
    kept = path()
    says = Says(FRESH)

    def answers(status: int, *headers: tuple[str, str]) -> None:
        async def manner(call: Call) -> None:
            if call.seen.method == "POST":
                await call.read_body()
                await call.answer(status, b"", *headers)
            else:
                await says(call)

        upstream.manner = manner

    for status, headers, goes in (
        (422, [("location", kept)], False),
        (503, [("location", kept)], False),
        (201, [("location", "https://other.test" + kept)], False),
        (201, [("location", "http://[")], False),
        (201, [("location", kept)], True),
        (200, [("content-location", f"http://gateway.test{kept}")], True),
        (303, [("location", f"{kept}?all=1")], True),
    ):
        answers(status, *headers)
        await ask(caching.port, "GET", kept)
        assert hit(await ask(caching.port, "GET", kept))
        assert (await ask(caching.port, "POST", "/api/v1/kept", body=b"{}")).status == status
        assert hit(await ask(caching.port, "GET", kept)) is not goes, headers
