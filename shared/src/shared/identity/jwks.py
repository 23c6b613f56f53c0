"""Public keys by their id, from a JWKS (RFC 7517) that another service publishes."""

import asyncio
import time
from typing import Protocol

import jwt
import structlog

from shared.http import HttpClient, HttpError

log = structlog.stdlib.get_logger(__name__)

_FRESH_SECONDS = 300.0
_REFETCH_SECONDS = 5.0


class KeySource(Protocol):
    """Where a verifier finds keys."""

    async def find(self, key_id: str) -> jwt.PyJWK | None:
        """The key of this id, None when there is none."""
        ...


class RemoteKeys:
    """Keys fetched from a URL and kept.

    An unknown id fetches again, once for all who wait and at most every 5 s (TRAPS.md, forwarding
    12); while the issuer is down the known keys stay.
    """

    def __init__(self, url: str, http: HttpClient) -> None:
        self._url = url
        self._http = http
        self._keys: dict[str, jwt.PyJWK] = {}
        self._asked_at = float("-inf")
        self._lock = asyncio.Lock()

    async def find(self, key_id: str) -> jwt.PyJWK | None:
        """The key of this id, fetched when it is not known or the set is old."""
        age = time.monotonic() - self._asked_at
        known = self._keys.get(key_id)
        if (known is not None and age < _FRESH_SECONDS) or (known is None and age < _REFETCH_SECONDS and self._keys):
            return known
        async with self._lock:
            if key_id not in self._keys or time.monotonic() - self._asked_at >= _FRESH_SECONDS:
                await self._fetch()
        return self._keys.get(key_id)

    async def _fetch(self) -> None:
        if self._keys and time.monotonic() - self._asked_at < _REFETCH_SECONDS:
            return
        self._asked_at = time.monotonic()
        try:
            response = await self._http.get(self._url)
            response.raise_for_status()
            found = jwt.PyJWKSet.from_dict(response.json())
        except (HttpError, jwt.PyJWTError, ValueError) as error:
            log.warning("jwks_not_fetched", error=repr(error), keys_kept=len(self._keys))
            return
        self._keys = {key.key_id: key for key in found.keys if key.key_id is not None}
