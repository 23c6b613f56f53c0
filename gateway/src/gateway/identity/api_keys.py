"""Exchanges an API key for a token at the users service; a key's answer is kept for five seconds at most.

So a revoked key is refused five seconds later at the latest. Requests with one key wait for one exchange.
"""

import asyncio
import hashlib
from collections.abc import Callable

import orjson
import structlog

from gateway.problem import Refusal
from gateway.upstream.fetch import Fetcher, FetchError

log = structlog.stdlib.get_logger(__name__)

KEPT_SECONDS = 5.0
_MAX_CACHED = 10_000
_MAX_KEY = 512
_OK = 200

Outcome = bytes | Refusal
Then = Callable[[Outcome | None], None]


class ApiKeys:
    """``exchange`` calls back with a token, None for a key that does not hold, or a Refusal."""

    def __init__(self, fetcher: Fetcher, url: str) -> None:
        self._fetcher = fetcher
        self._url = url
        self._loop = asyncio.get_running_loop()
        # By digest: the keys themselves are not kept in memory longer than their exchange.
        self._cached: dict[bytes, tuple[float, bytes | None]] = {}
        self._waiting: dict[bytes, list[Then]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def exchange(self, key: bytes, then: Then) -> None:
        """At once from the cache, else after one call to the users service."""
        if len(key) > _MAX_KEY or not key.isascii():
            then(None)
            return
        digest = hashlib.sha256(key).digest()
        cached = self._cached.get(digest)
        if cached is not None and cached[0] > self._loop.time():
            then(cached[1])
            return
        waiting = self._waiting.setdefault(digest, [])
        waiting.append(then)
        if len(waiting) == 1:
            task = self._loop.create_task(self._exchange(key, digest))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _exchange(self, key: bytes, digest: bytes) -> None:
        outcome: Outcome | None = _unavailable()
        asked = self._loop.time()
        try:
            answer = await self._fetcher.post(self._url, orjson.dumps({"api_key": key.decode()}))
            if answer.status == _OK:
                outcome = str(orjson.loads(answer.body)["access_token"]).encode()
            elif answer.status in (400, 401, 404, 422):
                outcome = None
            else:
                log.warning("api_key_exchange_failed", status=answer.status)
        except (FetchError, ValueError, KeyError, TypeError) as error:
            log.warning("api_key_exchange_failed", error=type(error).__name__)
        finally:
            if not isinstance(outcome, Refusal):
                if len(self._cached) >= _MAX_CACHED:
                    del self._cached[next(iter(self._cached))]
                self._cached.pop(digest, None)
                self._cached[digest] = (asked + KEPT_SECONDS, outcome)
            for then in self._waiting.pop(digest, ()):
                then(outcome)


def _unavailable() -> Refusal:
    return Refusal(503, "identity_unavailable", "Keys cannot be checked just now.", headers=((b"retry-after", b"1"),))
