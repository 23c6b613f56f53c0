"""Exchanges an API key for a token at its issuer; a key's answer is kept for five seconds at most.

So a revoked key is refused five seconds later at the latest. Requests with one key wait for one exchange. A made-up key
costs the issuer little: another shape is refused here, and one address asks about so many wrong ones and no more.
"""

import asyncio
import hashlib
import re
from base64 import b64encode
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import orjson
import structlog

from gateway.identity.guesses import Guesses
from gateway.problem import Refusal
from gateway.upstream.fetch import Answer, Fetcher, FetchError

if TYPE_CHECKING:
    from gateway.routes.model import ApiKeysModel

log = structlog.stdlib.get_logger(__name__)

KEPT_SECONDS = 5.0
_MAX_CACHED = 10_000
_OK, _UNAUTHORIZED, _FORBIDDEN = 200, 401, 403

Outcome = bytes | Refusal
Then = Callable[[Outcome | None], None]


class ApiKeys:
    """``exchange`` calls back with a token, None for a key that does not hold, or a Refusal."""

    def __init__(self, model: "ApiKeysModel", url: Callable[[], str], scale: float, authorization: str) -> None:
        # Connections of its own: however many keys are asked about, the issuer's public keys are still fetched.
        self._fetcher = Fetcher()
        self._url = url
        self._headers = {"authorization": authorization}
        self._shape = re.compile(model.pattern.encode())
        self._guesses = Guesses(max(1, int(model.unknown.quota * scale)), model.unknown.window)
        self._loop = asyncio.get_running_loop()
        # By digest: the keys themselves are not kept in memory longer than their exchange.
        self._cached: dict[bytes, tuple[float, bytes]] = {}
        # Apart from the good ones, which a flood of wrong ones must not push out.
        self._wrong: dict[bytes, float] = {}
        self._waiting: dict[bytes, list[Then]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def public_id(self, key: bytes) -> str:
        """The part of a key that may be shown, where the pattern names one as ``id``; else nothing."""
        found = self._shape.fullmatch(key) if "id" in self._shape.groupindex else None
        return found["id"].decode("ascii", "replace") if found is not None else ""

    def exchange(self, key: bytes, who: str, then: Then) -> None:
        """At once from what is known, else after one call to the issuer; ``who`` is the address that asks."""
        if self._shape.fullmatch(key) is None:
            then(None)
            return
        digest = hashlib.sha256(key).digest()
        now = self._loop.time()
        cached = self._cached.get(digest)
        if cached is not None and cached[0] > now:
            then(cached[1])
        elif self._wrong.get(digest, 0.0) > now:
            then(None)
        elif digest in self._waiting:
            self._waiting[digest].append(then)
        elif wait := self._guesses.take(who):
            then(_too_many(wait))
        else:
            self._waiting[digest] = [then]
            task = self._loop.create_task(self._exchange(key, digest, who))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def forget(self, tokens: Collection[bytes]) -> None:
        """These ended early: whose key stood for one of them has it exchanged anew, and is not refused meanwhile."""
        ended = set(tokens)
        for digest in [digest for digest, (_, token) in self._cached.items() if token in ended]:
            del self._cached[digest]

    def close(self) -> None:
        """Close the idle connections."""
        self._fetcher.close()

    async def _exchange(self, key: bytes, digest: bytes, who: str) -> None:
        outcome: Outcome | None = _unavailable()
        asked = self._loop.time()
        try:
            answer = await self._fetcher.post(self._url(), orjson.dumps({"api_key": key.decode()}), self._headers)
            if answer.status == _OK:
                outcome = str(orjson.loads(answer.body)["access_token"]).encode()
            elif _refuses_us(answer):
                log.error("api_key_exchange_refused", status=answer.status, setting="GATEWAY_CLIENT_SECRET")
            elif answer.status in (400, 401, 404, 422):
                outcome = None
            else:
                log.warning("api_key_exchange_failed", status=answer.status)
        except (FetchError, ValueError, KeyError, TypeError) as error:
            log.warning("api_key_exchange_failed", error=type(error).__name__)
        finally:
            if outcome is None:
                _bounded(self._wrong, digest)
                self._wrong[digest] = asked + KEPT_SECONDS
            else:
                self._guesses.give_back(who)
            if isinstance(outcome, bytes):
                _bounded(self._cached, digest)
                self._cached[digest] = (asked + KEPT_SECONDS, outcome)
            for then in self._waiting.pop(digest, ()):
                then(outcome)


def basic(client_id: str, secret: str) -> str:
    """How a client authenticates to the issuer (RFC 6749 section 2.3.1)."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return "Basic " + b64encode(pair.encode()).decode()


def _refuses_us(answer: Answer) -> bool:
    """Whether it is we who are not known there, which says nothing of the key."""
    if answer.status not in (_UNAUTHORIZED, _FORBIDDEN):
        return False
    try:
        said = orjson.loads(answer.body)
    except ValueError:
        return False
    return isinstance(said, dict) and said.get("error") in ("invalid_client", "unauthorized_client")


def _bounded(kept: dict[bytes, Any], digest: bytes) -> None:
    kept.pop(digest, None)
    if len(kept) >= _MAX_CACHED:
        del kept[next(iter(kept))]


def _too_many(wait: int) -> Refusal:
    return Refusal(
        429, "rate_limited", "Too many API keys that do not hold.", headers=((b"retry-after", b"%d" % wait),)
    )


def _unavailable() -> Refusal:
    return Refusal(503, "identity_unavailable", "Keys cannot be checked just now.", headers=((b"retry-after", b"1"),))
