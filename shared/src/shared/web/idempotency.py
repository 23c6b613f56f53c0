"""Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): one key, one effect, one answer.

The answer is stored in the transaction of the change, under an advisory lock that ends with it: a
crash leaves neither a half-done key nor a change without its answer.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any

import asyncpg
import orjson
from fastapi import Depends, Header, Request, Response
from fastapi.encoders import jsonable_encoder
from pydantic import BaseModel

from shared.identity.dependencies import signed_in
from shared.identity.principal import Principal
from shared.postgres import Connection, Write, count_rows, write_together
from shared.problems import BadRequest, Conflict, UnprocessableContent

KEPT = timedelta(hours=24)
_KEY = re.compile(r"^[\x21-\x7e]{1,255}$")

_LOCK_IN_TURN = "SELECT true FROM pg_advisory_xact_lock(hashtextextended($1, 42))"
_FIND = """
SELECT fingerprint, status, headers, body FROM idempotency_keys
WHERE owner = $1 AND key = $2 AND expires_at > now()
"""
# One round trip for both. Its snapshot may be older than the lock, so that it may miss an answer that was committed
# in between: the key's row, which ``_STORE`` does not take from an answer that is still kept, has the last word.
_LOCK_AND_FIND = """
SELECT lock.held, known.fingerprint, known.status, known.headers, known.body
FROM (SELECT pg_try_advisory_xact_lock(hashtextextended($1::text || ' ' || $2::text, 42)) AS held OFFSET 0) AS lock
LEFT JOIN idempotency_keys AS known ON known.owner = $1 AND known.key = $2 AND known.expires_at > now()
"""
_STORE = """
INSERT INTO idempotency_keys AS known (owner, key, fingerprint, status, headers, body, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, now() + $7::interval)
ON CONFLICT (owner, key) DO UPDATE SET fingerprint = excluded.fingerprint, status = excluded.status,
    headers = excluded.headers, body = excluded.body, created_at = now(), expires_at = excluded.expires_at
    WHERE known.expires_at <= now()
RETURNING true
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
    """What a handler answers: ``content`` is anything FastAPI can make JSON of.

    ``writes`` are still to be done, and are with the keeping of the answer: one round trip for all.
    """

    status: int
    content: Any
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    writes: Sequence[Write] = ()

    def response(self) -> Response:
        """The answer as a response; an error status is a problem document already."""
        media_type = "application/json" if self.status < 400 else "application/problem+json"  # noqa: PLR2004 - errors start there
        return Response(_encode(self.content), self.status, dict(self.headers), media_type)


def _encode(content: Any) -> bytes:
    if isinstance(content, BaseModel):
        return content.__pydantic_serializer__.to_json(content, by_alias=True)
    return orjson.dumps(jsonable_encoder(content))


def _still_running() -> Conflict:
    return Conflict("idempotency_in_progress", "The first request with this key still runs.")


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
        row = await self._lock_and_find(connection)
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
            answer = await make()
            await write_together(connection, answer.writes)
            return answer.response()
        row = await (self._wait_and_find(connection) if wait else self._lock_and_find(connection))
        if row is not None:
            return self._replay(row)
        answer = await make()
        response = answer.response()
        headers = {**answer.headers, "Content-Type": response.media_type}
        kept = (self._owner, self._key, self._fingerprint, answer.status, headers, response.body, KEPT)
        *_, stored = await write_together(connection, [*answer.writes, Write(_STORE, kept)])
        if not stored:
            raise _still_running()
        return response

    async def _lock_and_find(self, connection: Connection) -> asyncpg.Record | None:
        row = await connection.fetchrow(_LOCK_AND_FIND, self._owner, self._key)
        if row is None or not row["held"]:
            raise _still_running()
        return row if row["fingerprint"] is not None else None

    async def _wait_and_find(self, connection: Connection) -> asyncpg.Record | None:
        await connection.execute(_LOCK_IN_TURN, f"{self._owner} {self._key}")
        return await connection.fetchrow(_FIND, self._owner, self._key)

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
