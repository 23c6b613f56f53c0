"""A step of ours that breaks is answered at once, wherever it was called from."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from gateway_testing.process import ROUTES
from gateway_testing.tokens import Issuer

from gateway.data.exchange import Exchange
from gateway.data.request_head import RequestHead
from gateway.limits.verdict import UNLIMITED
from gateway.runtime import Gateway
from gateway.settings import Settings


class Client:
    """What an exchange asks of its connection."""

    def __init__(self) -> None:
        self.peer, self.address, self.draining = "127.0.0.1", "127.0.0.1", False
        self.written, self.turns, self.aborted = b"", 0, False
        self.transport = SimpleNamespace(write=self._write, abort=self._abort)

    def _write(self, data: bytes) -> None:
        self.written += data

    def _abort(self) -> None:
        self.aborted = True

    def turn_done(self, _: Exchange) -> None:
        self.turns += 1


@pytest.fixture
async def own(monkeypatch: pytest.MonkeyPatch) -> Gateway:
    for name in ("MAIN_URL", "DEAD_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    return Gateway(Settings(routes=ROUTES))


def exchange(gateway: Gateway, target: bytes = b"/api/v1/limited", **headers: str) -> tuple[Exchange, Client]:
    client = Client()
    lines = [(b"host", b"a"), *((name.encode(), value.encode()) for name, value in headers.items())]
    head = RequestHead(lines, http11=True, keep_alive=True)
    head.check()
    return Exchange(gateway, client, head, b"GET", target), client  # pyright: ignore[reportArgumentType]


def breaks(*_: Any, **__: Any) -> Any:
    raise ZeroDivisionError


def _limits(gateway: Gateway) -> None:
    gateway.limiter.check = breaks


def _forwarding(gateway: Gateway) -> None:
    gateway.upstreams._by_name = {}


def _verifier(gateway: Gateway) -> None:
    gateway.identity._verifier.cached = breaks


@pytest.mark.parametrize("broken", [_limits, _forwarding, _verifier])
async def test_a_step_called_back_later_that_breaks_is_a_500(own: Gateway, broken: Callable[[Gateway], None]):
    asked, client = exchange(own, authorization="Bearer a.b.c")
    own.identity.identify = lambda *_: None
    asked.begin()
    assert client.written == b""
    broken(own)
    if broken is _verifier:
        # As the key set calls it back.
        own.identity._by_token(asked, b"a.b.c", forward_as=None, may_fetch=False)
    else:
        asked.on_identity(None)
    assert client.written.startswith(b"HTTP/1.1 500 ")
    assert client.turns == 1


async def test_a_verdict_that_comes_later_and_breaks_is_a_500(own: Gateway):
    asked, client = exchange(own)
    verdicts: list[Exchange] = []
    own.limiter.check = verdicts.append
    asked.begin()
    assert verdicts == [asked]
    own.upstreams._by_name = {}
    asked.on_verdict(UNLIMITED)
    assert client.written.startswith(b"HTTP/1.1 500 ")


async def test_a_record_that_breaks_leaves_the_connection_its_turn(own: Gateway):
    asked, client = exchange(own, b"/nowhere")
    own.access_log.exchange = breaks
    asked.begin()
    assert client.written.startswith(b"HTTP/1.1 404 ")
    assert client.turns == 1


async def test_a_deadline_that_breaks_ends_its_own_request_alone(own: Gateway, monkeypatch: pytest.MonkeyPatch):
    asked, client = exchange(own)
    own.limiter.check = lambda _: None
    asked.begin()
    monkeypatch.setattr(Exchange, "_late", breaks)
    asked.due = 0
    async with asyncio.timeout(60):
        while not client.written:
            await asyncio.sleep(0.01)
    assert client.written.startswith(b"HTTP/1.1 500 ")


async def test_one_who_waits_for_the_keys_and_breaks_does_not_stop_the_next(own: Gateway):
    told: list[str] = []
    own.keys._fetcher.get = breaks
    assert own.keys.refetch(breaks)
    assert own.keys.refetch(lambda: told.append("next"))
    async with asyncio.timeout(60):
        while not told:
            await asyncio.sleep(0.01)
    assert told == ["next"]


async def test_a_key_set_with_other_things_in_it_keeps_its_keys(own: Gateway, issuer: Issuer):
    good = issuer.jwks()[9:-2]
    odd = b'{"keys":[1,null,[],{"kid":[]},{"kid":1,"kty":"OKP"},{"kid":"x","kty":[]},' + good + b"]}"
    own.keys._fetcher.get = lambda _: asyncio.sleep(0, SimpleNamespace(body=odd))
    fetched = asyncio.Event()
    assert own.keys.refetch(fetched.set)
    async with asyncio.timeout(60):
        await fetched.wait()
    assert own.keys.get("one") is not None


async def test_a_refusal_that_breaks_cuts_the_connection(own: Gateway, monkeypatch: pytest.MonkeyPatch):
    asked, client = exchange(own)
    monkeypatch.setattr(Exchange, "refuse", breaks)
    own.limiter.check = breaks
    asked.begin()
    assert client.aborted
