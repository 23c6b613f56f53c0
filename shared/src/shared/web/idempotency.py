"""Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): one key, one effect, one answer.

The answer is stored in the transaction of the change, under an advisory lock that ends with it: a
crash leaves neither a half-done key nor a change without its answer.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any

import asyncpg
import orjson
from fastapi import Depends, Header, Request, Response
from fastapi.encoders import jsonable_encoder

from shared.identity.dependencies import signed_in
from shared.identity.principal import Principal
from shared.postgres import Connection, count_rows
from shared.problems import BadRequest, Conflict, UnprocessableContent

KEPT = timedelta(hours=24)
_KEY = re.compile(r"^[\x21-\x7e]{1,255}$")

_LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 42))"
_LOCK_IN_TURN = "SELECT true FROM pg_advisory_xact_lock(hashtextextended($1, 42))"
_FIND = """
SELECT fingerprint, status, headers, body FROM idempotency_keys
WHERE owner = $1 AND key = $2 AND expires_at > now()
"""
_STORE = """
INSERT INTO idempotency_keys (owner, key, fingerprint, status, headers, body, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, now() + $7::interval)
ON CONFLICT (owner, key) DO UPDATE SET fingerprint = excluded.fingerprint, status = excluded.status,
    headers = excluded.headers, body = excluded.body, created_at = now(), expires_at = excluded.expires_at
"""
_TRIM = """
DELETE FROM idempotency_keys WHERE (owner, key) IN (
    SELECT owner, key FROM idempotency_keys WHERE expires_at < now() LIMIT $1
)
"""


async def forget_owner(connection: Connection, owner: str) -> None:
    """Delete all answers kept for this caller (the token's ``sub``), who is deleted."""
    await connection.execute("DELETE FROM idempotency_keys WHERE owner = $1", owner)


async def trim(connection: Connection, limit: int) -> int:
    """Delete at most ``limit`` answers whose time is over; returns how many. The worker does."""
    return count_rows(await connection.execute(_TRIM, limit))


@dataclass(frozen=True)
class Answer:
    """What a handler answers: ``content`` is anything FastAPI can make JSON of."""

    status: int
    content: Any
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    def response(self) -> Response:
        """The answer as a response; an error status is a problem document already."""
        media_type = "application/json" if self.status < 400 else "application/problem+json"  # noqa: PLR2004 - errors start there
        return Response(_encode(self.content), self.status, dict(self.headers), media_type)


def _encode(content: Any) -> bytes:
    return orjson.dumps(jsonable_encoder(content))


class IdempotentCall:
    """One request under its key, or without one."""

    def __init__(self, key: str | None, owner: str, fingerprint: str) -> None:
        self._key = key
        self._owner = owner
        self._fingerprint = fingerprint

    async def replay(self, connection: Connection) -> Response | None:
        """The stored answer; None without a key or when it is the first request with it.

        For work that begins in one transaction and is answered in another. Raises as ``run`` does.
        """
        if self._key is None:
            return None
        if not await connection.fetchval(_LOCK, f"{self._owner} {self._key}"):
            raise Conflict("idempotency_in_progress", "The first request with this key still runs.")
        row = await connection.fetchrow(_FIND, self._owner, self._key)
        return self._replay(row) if row is not None else None

    async def run(
        self, connection: Connection, make: Callable[[], Awaitable[Answer]], *, wait: bool = False
    ) -> Response:
        """Answer by ``make`` the first time, by the stored answer later.

        With ``wait`` another request with the key is waited for: the work is done and has to be written.

        ``connection`` is in the transaction of the change. Raises Conflict while the first request
        still runs and UnprocessableContent when the key came with another request. An exception of
        ``make`` rolls all back, so the key stays unused.
        """
        if self._key is None:
            return (await make()).response()
        lock = _LOCK_IN_TURN if wait else _LOCK
        if not await connection.fetchval(lock, f"{self._owner} {self._key}"):
            raise Conflict("idempotency_in_progress", "The first request with this key still runs.")
        row = await connection.fetchrow(_FIND, self._owner, self._key)
        if row is not None:
            return self._replay(row)
        answer = await make()
        response = answer.response()
        await connection.execute(
            _STORE,
            self._owner,
            self._key,
            self._fingerprint,
            answer.status,
            {**answer.headers, "Content-Type": response.media_type},
            response.body,
            KEPT,
        )
        return response

    def _replay(self, row: asyncpg.Record) -> Response:
        if row["fingerprint"] != self._fingerprint:
            raise UnprocessableContent(
                "idempotency_key_reused", "This Idempotency-Key was used with another request.", errors=[]
            )
        headers = {**row["headers"], "Idempotent-Replayed": "true"}
        return Response(row["body"], row["status"], headers)


async def _idempotency(
    request: Request,
    principal: Annotated[Principal, Depends(signed_in)],
    idempotency_key: Annotated[str | None, Header()] = None,
) -> IdempotentCall:
    return _call(idempotency_key, principal, await _fingerprint(request))


def idempotent_call(request: Request, principal: Principal, key: str | None, body: str) -> IdempotentCall:
    """The request's call where its body was read as a stream; ``body`` stands for it, such as its digest.

    Raises BadRequest when the key is none.
    """
    text = f"{request.method} {request.url.path}\n{body}".encode()
    return _call(key, principal, hashlib.sha256(text).hexdigest())


def _call(key: str | None, principal: Principal, fingerprint: str) -> IdempotentCall:
    if key is not None and not _KEY.match(key):
        raise BadRequest("invalid_idempotency_key", "Idempotency-Key is 1 to 255 visible ASCII characters.")
    return IdempotentCall(key, principal.subject, fingerprint)


async def _fingerprint(request: Request) -> str:
    body = await request.body()
    with suppress(orjson.JSONDecodeError):  # not JSON: the bytes themselves stand for it
        body = orjson.dumps(orjson.loads(body), option=orjson.OPT_SORT_KEYS)
    text = f"{request.method} {request.url.path}\n".encode() + body
    return hashlib.sha256(text).hexdigest()


Idempotency = Annotated[IdempotentCall, Depends(_idempotency)]
"""The request's Idempotency-Key, for the signed-in caller."""
