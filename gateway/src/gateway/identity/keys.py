"""The issuer's public keys (RFC 7517), kept while the issuer is down, fetched again for a ``kid`` not known.

Fetched anew every ``refresh`` seconds at most (JWKS_REFRESH_SECONDS): so long does a key that the issuer withdraws hold
here, and the tokens verified by it are forgotten with it.

One fetch at a time for all who wait, and at most one in two seconds: a flood of made-up ``kid`` must not become a
flood at the issuer (envoy#14557).
"""

import asyncio
import contextlib
import random
from collections.abc import Callable
from typing import Any

import jwt
import orjson
import structlog

from gateway.upstream.fetch import Fetcher, FetchError

log = structlog.stdlib.get_logger(__name__)

# Never "none", never a shared secret (RFC 8725 section 3.1).
ALGORITHMS = frozenset({"EdDSA", "ES256"})
MIN_INTERVAL = 2.0
_FIRST_RETRY = 0.2
_LAST_RETRY = 2.0


class KeySet:
    """Keys by ``kid``."""

    def __init__(self, fetcher: Fetcher, url: str, refresh: float) -> None:
        self._fetcher = fetcher
        self._url = url
        self._refresh = refresh
        self._on_withdrawn: Callable[[frozenset[str]], None] = lambda _: None
        self._keys: dict[str, jwt.PyJWK] = {}
        self._first = asyncio.Event()
        self._waiting: list[Callable[[], None]] = []
        self._fetching = False
        self._last = float("-inf")
        self._loop = asyncio.get_running_loop()
        self._background: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[bool]] = set()

    @property
    def known(self) -> bool:
        """Whether any key was ever fetched."""
        return bool(self._keys)

    async def wait_known(self, seconds: float) -> None:
        """Until there are keys, but no longer than ``seconds``."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._first.wait()

    def get(self, kid: str) -> jwt.PyJWK | None:
        """The key, if it is known."""
        return self._keys.get(kid)

    def on_withdrawn(self, then: Callable[[frozenset[str]], None]) -> None:
        """Who is told of the ``kid`` that left the set, or stand for another key now."""
        self._on_withdrawn = then

    def refetch(self, then: Callable[[], None]) -> bool:
        """Fetch and call ``then``; False when it was done so lately that it is not done again."""
        if not self._fetching and self._loop.time() - self._last < MIN_INTERVAL:
            return False
        self._waiting.append(then)
        if not self._fetching:
            self._fetching = True
            task = self._loop.create_task(self._fetch())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return True

    def start(self) -> None:
        """Fetch at start, until it works, and every few minutes. Once: a second call does nothing."""
        if self._background is None:
            self._background = self._loop.create_task(self._keep_fresh())

    def stop(self) -> None:
        """End the background work."""
        if self._background is not None:
            self._background.cancel()

    async def _keep_fresh(self) -> None:
        retry = _FIRST_RETRY
        while True:
            fetched = bool(self._keys)
            if not self._fetching:
                self._fetching = True
                fetched = await self._fetch()
            retry = _FIRST_RETRY if fetched else min(retry * 2, self._refresh, _LAST_RETRY)
            # Never later than said: the pause is how long a withdrawn key may still open doors.
            pause = self._refresh if fetched else retry
            await asyncio.sleep(pause * random.uniform(0.8, 1.0))  # noqa: S311 - jitter

    def _take(self, keys: dict[str, jwt.PyJWK]) -> None:
        known, self._keys = self._keys, keys
        self._first.set()
        withdrawn = frozenset(kid for kid, key in known.items() if kid not in keys or not _same(key, keys[kid]))
        if withdrawn:
            log.info("keys_withdrawn", kids=sorted(withdrawn))
            self._on_withdrawn(withdrawn)

    async def _fetch(self) -> bool:
        self._last = self._loop.time()
        fetched = False
        try:
            answer = await self._fetcher.get(self._url)
            keys = read_keys(answer.body)
            if keys:
                self._take(keys)
            fetched = bool(keys)
        except (FetchError, ValueError) as error:
            # Known keys stay: tokens go on being verified while the issuer is down.
            log.warning("jwks_fetch_failed", error=str(error))
        except Exception:
            log.exception("jwks_fetch_failed")
        finally:
            self._fetching = False
            waiting, self._waiting = self._waiting, []
            for then in waiting:
                try:
                    then()
                except Exception:
                    log.exception("after_jwks_fetch_failed")
        return fetched


def read_keys(body: bytes) -> dict[str, jwt.PyJWK]:
    """The signing keys of the allowed algorithms; others in the set are passed over."""
    document: Any = orjson.loads(body)
    found: dict[str, jwt.PyJWK] = {}
    for item in document.get("keys", ()) if isinstance(document, dict) else ():
        if not isinstance(item, dict) or item.get("use", "sig") != "sig" or not isinstance(item.get("kid"), str):
            continue
        try:
            key = jwt.PyJWK(item)
        except (jwt.PyJWTError, ValueError, TypeError, AttributeError, KeyError):
            # One key that is none must not cost the others.
            continue
        if key.algorithm_name in ALGORITHMS:
            found[item["kid"]] = key
    return found


def _same(one: jwt.PyJWK, other: jwt.PyJWK) -> bool:
    return one.algorithm_name == other.algorithm_name and one.key == other.key
