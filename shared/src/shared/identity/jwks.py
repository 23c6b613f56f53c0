"""Public keys by their id, from a JWKS (RFC 7517) that another service publishes."""

import asyncio
import time
from typing import Protocol

import jwt
import structlog

from shared.http import HttpClient, HttpError
from shared.problems import Unavailable

log = structlog.stdlib.get_logger(__name__)

ALGORITHMS = frozenset({"EdDSA", "ES256"})
"""Allowed algorithms: never ``none``, never HS (RFC 8725 section 3.1)."""

_FRESH_SECONDS = 300.0
_REFETCH_SECONDS = 5.0
_FIRST_SECONDS = 0.5
"""Between two tries while there is no key at all: the issuer may just be starting."""


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
        """The key of this id, fetched when it is not known or the set is old.

        Raises Unavailable while no key was ever had: then nothing can be said of a token.
        """
        if self._should_fetch(key_id):
            async with self._lock:
                if self._should_fetch(key_id):  # whoever waited for the lock need not ask again
                    await self._fetch()
        if not self._keys:
            raise Unavailable("identity_unavailable", "Tokens cannot be verified right now. Try again.")
        return self._keys.get(key_id)

    def _should_fetch(self, key_id: str) -> bool:
        age = time.monotonic() - self._asked_at
        if not self._keys:
            return age >= _FIRST_SECONDS
        return age >= (_FRESH_SECONDS if key_id in self._keys else _REFETCH_SECONDS)

    async def _fetch(self) -> None:
        try:
            response = await self._http.get(self._url)
            response.raise_for_status()
            found = jwt.PyJWKSet.from_dict(response.json())
        except (HttpError, jwt.PyJWTError, ValueError) as error:
            log.warning("jwks_not_fetched", error=repr(error), keys_kept=len(self._keys))
            return
        finally:
            self._asked_at = time.monotonic()
        self._keys = {
            key.key_id: key
            for key in found.keys
            if key.key_id is not None and key.algorithm_name in ALGORITHMS and key.public_key_use in {"sig", None}
        }
