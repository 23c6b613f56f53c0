"""The console: whom it lets in, what it tells, and when it stops."""

import asyncio
import json
import time
from typing import Any

import pytest
from gateway_testing.process import GatewayProcess, Valkey
from gateway_testing.tokens import Issuer
from gateway_testing.upstream import RawUpstream
from gateway_testing.wire import Wire, ask, request

from shared.testing.waiting import PATIENCE_SECONDS

SECONDS = PATIENCE_SECONDS
ADMIN_TOKEN = "a-token-of-the-tests"


class Watching:
    """A stream of the console's events, read as they come."""

    def __init__(self, wire: Wire) -> None:
        self._reader, self._wire = wire.reader, wire
        self.head = ""

    @classmethod
    async def open(cls, port: int, token: str) -> "Watching":
        """Let in, if need be when one who left before is seen to have gone."""
        while True:
            wire = await Wire.open(port)
            await wire.send(request("GET", "/console/events", {"authorization": f"Bearer {token}"}))
            watching = cls(wire)
            watching.head = await watching._head()
            if watching.head.startswith("HTTP/1.1 200"):
                return watching
            assert watching.head.startswith("HTTP/1.1 429"), watching.head
            wire.close()
            await asyncio.sleep(0.05)

    async def _head(self) -> str:
        async with asyncio.timeout(SECONDS):
            return (await self._reader.readuntil(b"\r\n\r\n")).decode()

    async def event(self, name: str) -> dict[str, Any]:
        """The next event of that name."""
        async with asyncio.timeout(SECONDS):
            while True:
                line = (await self._reader.readuntil(b"\n")).decode().strip()
                if line == f"event: {name}":
                    data = (await self._reader.readuntil(b"\n")).decode()
                    return json.loads(data.removeprefix("data: "))

    def close(self) -> None:
        self._wire.close()


@pytest.fixture(scope="module")
async def console(running_upstream: RawUpstream, valkey: Valkey):
    process = GatewayProcess(
        running_upstream.port, valkey.port, CONSOLE_SECONDS="0.2", CONSOLE_WATCHERS="2", ADMIN_TOKEN=ADMIN_TOKEN
    )
    await asyncio.to_thread(process.start)
    await process.ready()
    yield process
    await asyncio.to_thread(process.stop)


@pytest.mark.parametrize("path", ["/console/events", "/console/traces", "/console/traces/0af7"])
async def test_only_an_admin_is_told_anything(console: GatewayProcess, issuer: Issuer, path: str):
    for token, status, code in (
        (None, 401, "unauthorized"),
        ("Bearer nonsense", 401, "invalid_token"),
        ("Basic YTpi", 401, "invalid_token"),
        (f"Bearer {issuer.token(role='admin', exp=1)}", 401, "invalid_token"),
        (f"Bearer {issuer.token(scope='admin console')}", 403, "forbidden"),
    ):
        answer = await ask(console.port, "GET", path, {"authorization": token} if token else {}, seconds=SECONDS)
        assert (answer.status, answer.json()["code"]) == (status, code), token
        assert (answer.get("www-authenticate") is not None) == (status == 401)


async def test_an_admin_sees_requests_by_route_and_the_upstreams(console: GatewayProcess, issuer: Issuer):
    watching = await Watching.open(console.port, issuer.token(role="admin"))
    try:
        head = watching.head
        assert "text/event-stream" in head
        assert "content-encoding" not in head
        assert (await watching.event("history"))["seconds"] == 0.2
        for _ in range(3):
            await ask(console.port, "GET", "/api/v1/things", seconds=SECONDS)
        async with asyncio.timeout(SECONDS):
            while True:
                sample = await watching.event("sample")
                rows = {row["route"]: row for row in sample["routes"]}
                if "/api/things" in rows:
                    break
        assert rows["/api/things"]["rate"] > 0
        assert not [name for name in rows if name and name.startswith("/console")]
        assert "main" in {one["name"] for one in sample["upstreams"]}
        assert sample["limits"]["counted"] is True
    finally:
        watching.close()


async def test_watchers_are_bounded_and_one_who_leaves_makes_room(console: GatewayProcess):
    headers = {"authorization": f"Bearer {ADMIN_TOKEN}"}
    both = [await Watching.open(console.port, ADMIN_TOKEN) for _ in range(2)]
    for one in both:
        await one.event("sample")
    refused = await ask(console.port, "GET", "/console/events", headers, seconds=SECONDS)
    assert (refused.status, refused.json()["code"]) == (429, "too_many_watchers")
    assert refused["retry-after"] == "10"
    both[0].close()
    async with asyncio.timeout(SECONDS):
        another = await Watching.open(console.port, ADMIN_TOKEN)
    both[1].close()
    another.close()


async def test_the_stream_ends_with_its_token(console: GatewayProcess, issuer: Issuer, valkey: Valkey):
    watching = await Watching.open(console.port, issuer.token("81", role="admin"))
    await watching.event("sample")
    now = int(time.time())
    ended = ("user", "81", "not_before", str(now + 60), "until", str(now + 900))
    valkey.command("XADD", "tokens:revoked", "*", *ended)
    assert (await watching.event("end"))["reason"] == "token_ended"
    watching.close()


async def test_traces_that_are_not_set_up_are_said_to_be_away(console: GatewayProcess):
    answer = await ask(
        console.port, "GET", "/console/traces", {"authorization": f"Bearer {ADMIN_TOKEN}"}, seconds=SECONDS
    )
    assert (answer.status, answer.json()["code"]) == (503, "traces_unavailable")
