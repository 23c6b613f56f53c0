"""What a client gets for each thing that may break behind the gateway: read MATRIX as the documentation of it.

TRAPS, Gateway: forwarding 1, 2, 6, 9 and 12, rate limiting 6.
"""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from gateway_testing.process import GatewayProcess, Valkey, free_port
from gateway_testing.tokens import Issuer
from gateway_testing.upstream import Call, Manner, RawUpstream, echo
from gateway_testing.wire import Answer, Wire, ask, request

from shared.testing.waiting import eventually

ROUTES = str(Path(__file__).parent / "fault_matrix.toml")

# The requests: a GET, a POST, and a POST with an Idempotency-Key.
GET, POST, KEYED = "GET", "POST", "keyed"
ALL = (GET, POST, KEYED)


# The faults: how the service treats a request.


async def hangs(call: Call) -> None:
    await call.hung_up()


async def resets(call: Call) -> None:
    call.writer.transport.abort()


async def resets_what_is_reused(call: Call) -> None:
    await (resets(call) if call.nth > 1 else echo(call))


async def breaks_after_the_head(call: Call) -> None:
    await call.send(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n")
    call.writer.transport.close()


async def breaks_in_the_body(call: Call) -> None:
    await call.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n")
    call.writer.transport.close()


async def stalls(call: Call) -> None:
    await call.send(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello")
    await call.hung_up()


async def trickles(call: Call) -> None:
    await call.send(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
    for _ in range(100):
        await call.send(b"x")
        await asyncio.sleep(0.05)


async def garbage(call: Call) -> None:
    await call.send(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
    await call.hung_up()


async def huge_head(call: Call) -> None:
    await call.send(b"HTTP/1.1 200 OK\r\nx-large: " + b"a" * 200_000)
    await call.hung_up()


async def answers_early(call: Call) -> None:
    await call.answer(413, b"too much")
    await call.hung_up()


# What the service does (FAULTS), on a connection that is fresh, reused or was closed while idle; the request; what the
# client gets ("cut": an answer that breaks off) with its code; how often the service saw the request; whether the
# client's connection stays; status and code in the access log, and whether it says "retried".
MATRIX = """
    refuses connections         | fresh  | any        | 502 bad_gateway     | 0 | stays  | 502 bad_gateway     | no
    does not finish a connect   | fresh  | any        | 504 gateway_timeout | 0 | stays  | 504 gateway_timeout | no
    accepts and hangs           | fresh  | any        | 504 gateway_timeout | 1 | stays  | 504 gateway_timeout | no
    resets                      | fresh  | any        | 502 bad_gateway     | 1 | stays  | 502 bad_gateway     | no
    resets what is reused       | reused | GET, keyed | 200                 | 2 | stays  | 200                 | yes
    resets what is reused       | reused | POST       | 502 bad_gateway     | 1 | stays  | 502 bad_gateway     | no
    resets                      | reused | GET, keyed | 502 bad_gateway     | 2 | stays  | 502 bad_gateway     | yes
    answers                     | closed | any        | 200                 | 1 | stays  | 200                 | no
    breaks off after the head   | fresh  | any        | cut                 | 1 | closes | 200 upstream_broke  | no
    breaks off in the body      | fresh  | any        | cut                 | 1 | closes | 200 upstream_broke  | no
    stalls in the body          | fresh  | any        | cut                 | 1 | closes | 200 gateway_timeout | no
    trickles past the total     | fresh  | any        | cut                 | 1 | closes | 200 gateway_timeout | no
    sends garbage               | fresh  | any        | 502 bad_gateway     | 1 | stays  | 502 bad_gateway     | no
    sends garbage               | reused | any        | 502 bad_gateway     | 1 | stays  | 502 bad_gateway     | no
    sends a head without end    | fresh  | any        | 502 bad_gateway     | 1 | stays  | 502 bad_gateway     | no
    answers during the upload   | fresh  | POST,keyed | 413                 | 1 | closes | 413                 | no
"""
FAULTS: dict[str, Manner] = {
    "refuses connections": echo,
    "does not finish a connect": echo,
    "accepts and hangs": hangs,
    "resets": resets,
    "resets what is reused": resets_what_is_reused,
    "answers": echo,
    "breaks off after the head": breaks_after_the_head,
    "breaks off in the body": breaks_in_the_body,
    "stalls in the body": stalls,
    "trickles past the total": trickles,
    "sends garbage": garbage,
    "sends a head without end": huge_head,
    "answers during the upload": answers_early,
}


# Where the fault is one of the way to the service, or one of time.
PATHS = {
    "refuses connections": "/absent",
    "does not finish a connect": "/mute",
    "accepts and hangs": "/hangs",
    "stalls in the body": "/stalls",
    "trickles past the total": "/trickles",
}


@dataclass(frozen=True)
class Case:
    """A row of a table for one request. ``status`` 0: the client's answer breaks off; ``seen``: by the service."""

    kind: str
    status: int
    code: str
    seen: int
    logged: tuple[int, str]
    fault: str = ""
    pool: str = ""
    stays: bool = True
    retried: bool = False

    def __str__(self) -> str:
        return ", ".join(part for part in (self.fault, self.pool, self.kind) if part)


def kinds(text: str) -> tuple[str, ...]:
    return ALL if text == "any" else tuple(word.strip() for word in text.split(","))


def answered(text: str) -> tuple[int, str]:
    status, _, code = text.partition(" ")
    return (0 if status == "cut" else int(status)), code


def rows(table: str) -> Iterator[list[str]]:
    for line in table.strip().splitlines():
        yield [cell.strip() for cell in line.split("|")]


def matrix() -> Iterator[Case]:
    for fault, pool, requests, client, seen, connection, logged, retried in rows(MATRIX):
        for kind in kinds(requests):
            status, code = answered(client)
            stays, again = connection == "stays", retried == "yes"
            yield Case(kind, status, code, int(seen), answered(logged), fault, pool, stays, again)


@pytest.fixture(scope="module")
async def faulty(running_upstream: RawUpstream, valkey: Valkey) -> AsyncIterator[GatewayProcess]:
    mute = await asyncio.start_server(says_nothing, "127.0.0.1", 0)
    url = f"https://127.0.0.1:{mute.sockets[0].getsockname()[1]}"
    process = GatewayProcess(running_upstream.port, valkey.port, GATEWAY_ROUTES=ROUTES, MUTE_URL=url)
    await asyncio.to_thread(process.start)
    await process.ready()
    yield process
    await asyncio.to_thread(process.stop)
    mute.close()


async def says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def prepare(gateway: GatewayProcess, upstream: RawUpstream, pool: str) -> None:
    """The gateway's connections to the service: none (fresh), an idle one (reused), one that was closed (closed)."""
    await _without_connections(gateway, upstream)
    if pool != "fresh":
        assert (await ask(gateway.port, "GET", "/service")).status == 200
    if pool == "closed":
        await _without_connections(gateway, upstream)
    upstream.seen.clear()


async def _without_connections(gateway: GatewayProcess, upstream: RawUpstream) -> None:
    upstream.close_connections()
    async with asyncio.timeout(60):
        while await gateway.metric("gateway_upstream_connections", upstream="service"):
            await asyncio.sleep(0.01)


def message(kind: str, target: str, headers: dict[str, str], *, upload: bool) -> bytes:
    if kind == GET:
        return request("GET", target, headers)
    headers = headers | {"idempotency-key": "one"} if kind == KEYED else headers
    if upload:
        # Enough for the service to be asked, and less than was announced.
        return request("POST", target, {**headers, "content-length": "200000"}) + b"x" * 80_000
    return request("POST", target, headers, b"body")


async def answer_of(wire: Wire) -> Answer:
    """What came; status 0 for an answer that broke off."""
    try:
        return await wire.answer()
    except ConnectionError:
        return Answer()


async def stays(wire: Wire, target: str) -> bool:
    """Whether the client's connection takes another request."""
    try:
        await wire.send(request("GET", target))
        return bool((await wire.answer()).status)
    except ConnectionError:
        return False


@pytest.mark.parametrize("case", list(matrix()), ids=str)
async def test_fault_matrix(faulty: GatewayProcess, upstream: RawUpstream, case: Case):
    await prepare(faulty, upstream, case.pool)
    upstream.manner = FAULTS[case.fault]
    path = PATHS.get(case.fault, "/service")
    wire, answer = await asked(faulty, case, path, {}, upload=case.fault == "answers during the upload")
    # A service may come to read what the gateway has given up.
    await eventually(lambda: len(upstream.seen) >= case.seen)
    assert (answer.status, len(upstream.seen)) == (case.status, case.seen)
    if case.code:
        assert answer.code == case.code
        assert answer.get("retry-after") is None
    upstream.manner = echo
    assert await stays(wire, "/service") is case.stays
    wire.close()


async def asked(
    gateway: GatewayProcess, case: Case, path: str, headers: dict[str, str], *, upload: bool = False
) -> tuple[Wire, Answer]:
    """Send the case's request; what came (status 0: it broke off), and the access log says so once."""
    query = f"row={time.monotonic_ns()}"
    wire = await Wire.open(gateway.port)
    await wire.send(message(case.kind, f"{path}?{query}", headers, upload=upload))
    answer = await answer_of(wire)
    line = await gateway.logged(query=query)
    assert (line["status"], line["code"], line["retried"]) == (*case.logged, case.retried)
    assert gateway.times_logged(query=query) == 1
    return wire, answer


async def prove(gateway: GatewayProcess, upstream: RawUpstream, case: Case, path: str, headers: dict[str, str]) -> None:
    """What is ours to mend names a time to come back, and what the client did does not."""
    wire, answer = await asked(gateway, case, path, headers)
    assert (answer.status, len(upstream.seen)) == (case.status, case.seen)
    if case.code:
        assert answer.code == case.code
    assert (answer.get("retry-after") is not None) is (case.status == 503)
    # A body that had not been read when the answer went out ends the connection with it.
    kept = answer.get("connection") != "close"
    assert kept or case.kind != GET
    assert await stays(wire, "/service") is kept
    wire.close()


# Redis is away: the route's mode, the client's answer, how often the service saw the request.
REDIS = """
    open   | 200                    | 1
    local  | 200                    | 1
    closed | 503 limits_unavailable | 0
"""
# The issuer of the keys is away: since when, the token's key, and the same.
ISSUER = """
    at start | known   | 503 identity_unavailable | 0
    later    | known   | 200                      | 1
    later    | unknown | 401 invalid_token        | 0
"""


def without(table: str) -> Iterator[Case]:
    for *when, client, seen in rows(table):
        for kind in ALL:
            yield Case(kind, *answered(client), int(seen), answered(client), *when)


@pytest.fixture(scope="module", params=["stopped", "paused"])
async def without_redis(running_upstream: RawUpstream, request: pytest.FixtureRequest) -> AsyncIterator[GatewayProcess]:
    server = Valkey()
    server.start()
    process = GatewayProcess(running_upstream.port, server.port, GATEWAY_ROUTES=ROUTES, REDIS_PATIENCE_SECONDS="1")
    await asyncio.to_thread(process.start)
    await process.ready()
    assert (await ask(process.port, "GET", "/limited/closed")).status == 200
    if request.param == "stopped":
        server.stop()
    else:
        os.kill(server.pid, signal.SIGSTOP)
    yield process
    await asyncio.to_thread(process.stop)
    server.stop()


@pytest.mark.parametrize("case", list(without(REDIS)), ids=str)
async def test_fault_matrix_without_redis(without_redis: GatewayProcess, upstream: RawUpstream, case: Case):
    await prove(without_redis, upstream, case, f"/limited/{case.fault}", {})


@pytest.fixture(scope="module")
async def never_had_keys(running_upstream: RawUpstream, valkey: Valkey) -> AsyncIterator[GatewayProcess]:
    away = f"http://127.0.0.1:{free_port()}/jwks.json"
    process = GatewayProcess(running_upstream.port, valkey.port, GATEWAY_ROUTES=ROUTES, JWKS_URL=away)
    await asyncio.to_thread(process.start)
    # Ready it will never be.
    await process.ready("/health/live")
    yield process
    await asyncio.to_thread(process.stop)


@pytest.mark.parametrize("case", list(without(ISSUER)), ids=str)
async def test_fault_matrix_without_the_issuer(
    faulty: GatewayProcess, never_had_keys: GatewayProcess, upstream: RawUpstream, issuer: Issuer, case: Case
):
    gateway = never_had_keys if case.fault == "at start" else faulty
    token = issuer.token() if case.pool == "known" else stranger().token(kid="nobody-knows")
    upstream.issuer_down = True
    await prove(gateway, upstream, case, "/private", {"authorization": f"Bearer {token}"})


def stranger() -> Issuer:
    """Signs with a key that is in no key set."""
    issuer = Issuer()
    issuer.add("nobody-knows")
    return issuer
