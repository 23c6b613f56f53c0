"""Mutated streams of requests, cut at random points (TRAPS, forwarding 10): whatever a client sends, no service gets a
request that the client did not send, no client an answer that is not its own, and behind a 400 comes nothing.

``FUZZ_STREAMS`` and ``FUZZ_SEED`` make a longer run of it, by hand; a failure names the seed of its stream.
"""

import asyncio
import os
import random
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from gateway_testing.mutation import Stream, stream, tag
from gateway_testing.process import GatewayProcess, Valkey
from gateway_testing.upstream import Call, RawUpstream, Seen
from gateway_testing.wire import Answer, Wire

from shared.testing.waiting import PATIENCE_SECONDS

ROUTES = Path(__file__).parent / "wire.toml"
STREAMS = int(os.environ.get("FUZZ_STREAMS", "500"))
SEED = int(os.environ.get("FUZZ_SEED", "0"))
AT_ONCE = 250


@pytest.fixture(scope="module")
async def gate(running_upstream: RawUpstream, valkey: Valkey) -> AsyncIterator[GatewayProcess]:
    process = GatewayProcess(
        running_upstream.port,
        valkey.port,
        GATEWAY_ROUTES=str(ROUTES),
        SOCKET_URL=f"http://127.0.0.1:{running_upstream.port}",
        KEEP_ALIVE_SECONDS="3",
        CLIENT_SECONDS="3",
        CLIENT_SHARE="1",
        ACCESS_LOG="off",
    )
    await asyncio.to_thread(process.start)
    await process.ready()
    yield process
    await asyncio.to_thread(process.stop)


async def says_what_it_was_asked(call: Call) -> None:
    await call.read_body()
    await call.answer(200, call.seen.target.encode("latin-1"))


async def _answers(wire: Wire, seed: int) -> list[Answer]:
    """All answers until the gateway closes the idle or refused connection."""
    found: list[Answer] = []
    while True:
        try:
            found.append(await wire.answer())
        except ConnectionError as end:
            # Between two answers, or with a reset; an answer that is cut short says how far it came.
            if "ended after" in str(end) and "ended after 0 " not in str(end):
                raise AssertionError(f"{seed}: {end}") from end
            return found


async def _sent(gate: GatewayProcess, sent: Stream, chance: random.Random) -> Wire:
    wire = await Wire.open(gate.port)
    try:
        for piece in sent.cut(chance):
            await wire.send(piece)
            if chance.random() < 0.5:
                await asyncio.sleep(0)
    except ConnectionError:
        pass
    return wire


async def _all_answers(wire: Wire, seed: int) -> list[Answer]:
    async with asyncio.timeout(PATIENCE_SECONDS):
        answers = await _answers(wire, seed)
    wire.abort()
    return answers


def _place(target: str) -> tuple[int, int] | None:
    query = parse_qs(urlsplit(target).query)
    try:
        return int(query["run"][0]), int(query["at"][0])
    except (KeyError, ValueError):
        return None


def _well_formed(seen: Seen, seed: int) -> None:
    lines = seen.raw_head[:-4].split(b"\r\n")
    assert not any(byte in line for line in lines for byte in (b"\r", b"\n", b"\x00")), (seed, seen.raw_head)
    names = [line.partition(b":")[0].lower() for line in lines[1:]]
    assert len(lines[0].split(b" ")) == 3, (seed, lines[0])
    assert all(name and name.strip(b" \t") == name for name in names), (seed, names)
    framing = [name for name in names if name in (b"content-length", b"transfer-encoding")]
    assert len(framing) <= 1, (seed, framing)
    assert names.count(b"host") == 1, (seed, names)


async def test_trap_10_mutated_streams_never_part_what_is_sent_from_what_is_served(
    gate: GatewayProcess, upstream: RawUpstream
):
    upstream.manner = says_what_it_was_asked
    for first in range(SEED, SEED + STREAMS, AT_ONCE):
        upstream.seen = []
        seeds = range(first, min(first + AT_ONCE, SEED + STREAMS))
        chances = {seed: random.Random(seed) for seed in seeds}  # noqa: S311 - to be had again
        streams = {seed: stream(chances[seed], seed) for seed in seeds}
        # HEAD has no body, which only the sender knows: those streams are read by their heads alone.
        streams = {seed: sent for seed, sent in streams.items() if b"HEAD " not in sent.data}
        # All are sent before any is read, which takes this process long: no request is to be late for that.
        wires = await asyncio.gather(*(_sent(gate, sent, chances[seed]) for seed, sent in streams.items()))
        answers = await asyncio.gather(*(_all_answers(wire, seed) for seed, wire in zip(streams, wires, strict=True)))
        found = dict(zip(streams, answers, strict=True))
        arrived: defaultdict[int, list[Seen]] = defaultdict(list)
        for seen in upstream.seen:
            place = _place(seen.target)
            if place is not None:
                arrived[place[0]].append(seen)
        for seed, sent in streams.items():
            _check(seed, sent, found[seed], arrived[tag(seed)])


def _check(seed: int, sent: Stream, answers: list[Answer], arrived: list[Seen]) -> None:
    for seen in arrived:
        _well_formed(seen, seed)
    assert len(arrived) <= sent.data.count(b"HTTP/1."), seed
    served = [answer.body.decode("latin-1") for answer in answers if answer.status == 200]
    runs = {body: place[0] for body in served if (place := _place(body)) is not None}
    own = [body for body in served if runs.get(body) == tag(seed)]
    targets = [seen.target for seen in arrived]
    # The answers are those of this stream's requests, in their order; to the last one there may be none.
    assert own == targets[: len(own)], seed
    others = [body for body, run in runs.items() if run != tag(seed)]
    assert all(body.encode("latin-1") in sent.data for body in others), (seed, others)
    # A path that is refused leaves the frame whole; what does not parse does not.
    unread = [answer for answer in answers if answer.status == 400 and answer.code == "bad_request"]
    assert all(answer.get("connection") == "close" for answer in unread), seed
    closing = [n for n, answer in enumerate(answers) if answer.get("connection") == "close"]
    assert not closing or closing == [len(answers) - 1], (seed, [answer.status for answer in answers])
    if not sent.changed:
        assert targets == [f"/plain?run={tag(seed)}&at={n}" for n in range(sent.requests)], seed
        assert own == targets, seed
