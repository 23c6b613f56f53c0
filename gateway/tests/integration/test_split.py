"""Canaries and blue/green through the gateway, each moved by a change of the routes file and SIGHUP."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from gateway_testing.process import GatewayProcess, Valkey
from gateway_testing.tokens import Issuer
from gateway_testing.upstream import RawUpstream
from gateway_testing.wire import Wire

FILE = """
[upstreams.main]
url = "${MAIN_URL}"
[upstreams.other]
url = "${OTHER_URL}"

[switches.orders]
active = "blue"
upstreams = { blue = "main", green = "other" }

[[routes]]
path = "/canary"
methods = ["GET"]
upstream = "main"
identity = "optional"
[[routes.split]]
upstream = "other"
weight = 10
when = { headers = { x-canary = "always" } }

[[routes]]
path = "/cookie"
methods = ["GET"]
upstream = "main"
identity = "ignored"
sticky = "cookie:sid"
split = [{ upstream = "other", weight = 50 }]

[[routes]]
path = "/orders"
methods = ["GET"]
upstream = "orders"
identity = "ignored"
"""
CLIENTS = [f"10.9.0.{n}" for n in range(250)]


class Splitting:
    """The gateway and its routes file."""

    def __init__(self, process: GatewayProcess, file: Path) -> None:
        self.process, self.file = process, file
        self.text = FILE
        self._reloads = 0

    async def change(self, old: str, new: str) -> None:
        assert old in self.text
        self.text = self.text.replace(old, new)
        self.file.write_text(self.text)
        self.process.signal(signal.SIGHUP)
        self._reloads += 1
        async with asyncio.timeout(60):
            while self.process.times_logged(event="routes_reloaded") < self._reloads:
                await asyncio.sleep(0.02)

    async def placed(self, path: str, headers: list[dict[str, str]], other: RawUpstream) -> set[int]:
        """The indices of the requests that the other upstream got."""
        wire = await Wire.open(self.process.port)
        found: set[int] = set()
        for index, lines in enumerate(headers):
            seen = len(other.seen)
            text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
            await wire.send(f"GET {path} HTTP/1.1\r\nhost: gateway.test\r\n{text}\r\n".encode())
            answer = await wire.answer()
            assert answer.status == 200
            if len(other.seen) > seen:
                found.add(index)
        wire.close()
        return found


@pytest.fixture(scope="module")
async def splitting(
    tmp_path_factory: pytest.TempPathFactory, running_upstream: RawUpstream, running_other: RawUpstream, valkey: Valkey
) -> AsyncIterator[Splitting]:
    file = tmp_path_factory.mktemp("split") / "routes.toml"
    file.write_text(FILE)
    process = GatewayProcess(
        running_upstream.port,
        valkey.port,
        GATEWAY_ROUTES=str(file),
        OTHER_URL=f"http://127.0.0.1:{running_other.port}",
        TRUSTED_PROXIES="127.0.0.1/32",
        ROUTES_WATCH_SECONDS="0",
    )
    await asyncio.to_thread(process.start)
    await process.ready()
    yield Splitting(process, file)
    await asyncio.to_thread(process.stop)


async def test_a_canary_by_weight_keeps_its_clients_while_it_grows(splitting: Splitting, other: RawUpstream):
    requests = [{"x-forwarded-for": address} for address in CLIENTS]
    ten = await splitting.placed("/canary", requests, other)
    assert await splitting.placed("/canary", requests, other) == ten
    counted = await splitting.process.metric("gateway_split_requests_total", route="/canary", upstream="other")
    assert counted == 2 * len(ten)
    await splitting.change("weight = 10", "weight = 20")
    twenty = await splitting.placed("/canary", requests, other)
    # The keys are fixed: these are the figures of this hash, within five deviations of 25 and 50.
    assert 3 <= len(ten) <= 48
    assert 19 <= len(twenty) <= 81
    assert ten < twenty
    # What was counted before the reload still is.
    after = await splitting.process.metric("gateway_split_requests_total", route="/canary", upstream="other")
    assert after == counted + len(twenty)


async def test_a_canary_by_header_and_by_user(splitting: Splitting, other: RawUpstream, issuer: Issuer):
    always = [{"x-forwarded-for": address, "x-canary": "always"} for address in CLIENTS[:20]]
    assert len(await splitting.placed("/canary", always, other)) == 20
    users = [{"authorization": f"Bearer {issuer.token(str(n))}"} for n in range(60)]
    placed = await splitting.placed("/canary", users, other)
    assert 0 < len(placed) < 60
    # The user counts, wherever it comes from.
    elsewhere = [{**user, "x-forwarded-for": CLIENTS[n]} for n, user in enumerate(users)]
    assert await splitting.placed("/canary", elsewhere, other) == placed


async def test_a_canary_by_cookie(splitting: Splitting, other: RawUpstream):
    requests = [{"cookie": f"theme=dark; sid={n}", "x-forwarded-for": "10.1.1.1"} for n in range(60)]
    placed = await splitting.placed("/cookie", requests, other)
    assert 0 < len(placed) < 60
    moved = [{"cookie": f"sid={n}", "x-forwarded-for": CLIENTS[n]} for n in range(60)]
    assert await splitting.placed("/cookie", moved, other) == placed


async def test_blue_green_is_one_word_and_a_reload(splitting: Splitting, other: RawUpstream):
    ten: list[dict[str, str]] = [{}] * 10
    assert await splitting.placed("/orders", ten, other) == set()
    await splitting.change('active = "blue"', 'active = "green"')
    assert len(await splitting.placed("/orders", ten, other)) == 10
    await splitting.change('active = "green"', 'active = "blue"')
    assert await splitting.placed("/orders", ten, other) == set()
