"""Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): one key, one effect, one answer.

The answer is stored in the transaction of the change, under an advisory lock that ends with it: a
crash leaves neither a half-done key nor a change without its answer. A refusal is an answer too (section 2.6 of the
draft: "success or an error"): what it had written is rolled back, and it is stored alone.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Annotated, Any

import orjson
from fastapi import Depends, Header, Request, Response

from shared.identity.dependencies import principal_of
from shared.identity.principal import Principal
from shared.postgres import Connection, write_together
from shared.problems import BadRequest, Conflict, Problem, UnprocessableContent
from shared.web.answer import Answer
from shared.web.kept_answers import CallersKey, KeptAnswer
from shared.web.problem_handlers import problem_document

KEPT_REFUSALS = frozenset({402, 404, 409, 410, 422})
"""Those that the work itself ended with. Not 412: a precondition that fails leaves the request undone, and is no part
of what a key's request is known by; not 401 and 403, which are about the caller, nor what passes by itself."""

_KEY = re.compile(r"^[\x21-\x7e]{1,255}$")


class IdempotentCall:
    """One request under its key, or without one.

    ``owner`` says whose key it is, once somebody wants to know; ``refused`` makes the document of a problem, and
    without it a refusal is not kept.
    """

    def __init__(
        self,
        key: str | None,
        fingerprint: str,
        owner: Callable[[], str],
        refused: Callable[[Problem], dict[str, Any]] | None = None,
    ) -> None:
        self._text = key
        self._owner = owner
        self._fingerprint = fingerprint
        self._refused = refused

    @property
    def _key(self) -> CallersKey | None:
        return CallersKey(self._owner(), self._text) if self._text is not None else None

    async def replay(self, connection: Connection) -> Response | None:
        """The stored answer; None without a key or when it is the first request with it.

        For work that begins in one transaction and is answered in another. Raises as ``run`` does.
        """
        key = self._key
        if key is None:
            return None
        if not await key.lock(connection):
            raise _still_running()
        return self._again(await key.find(connection))

    async def run(
        self, connection: Connection, make: Callable[[], Awaitable[Answer]], *, wait: bool = False
    ) -> Response:
        """Answer by ``make`` the first time, by the stored answer later.

        With ``wait`` another request with the key is waited for: the work is done and has to be written.

        ``connection`` is in the transaction of the change, in which nothing is written but by ``make``: it is rolled
        back when that ends with a refusal, which is kept and answered. Raises Conflict while the first request
        still runs and UnprocessableContent when the key came with another request. Any other exception of
        ``make`` rolls all back, so the key stays unused.
        """
        key = self._key
        if key is None:
            answer = await make()
            await write_together(connection, answer.writes)
            return answer.response()
        known = await self._find(connection, key, wait=wait)
        if known is not None:
            return known
        try:
            answer = await make()
        except Problem as problem:
            if self._refused is None or problem.status not in KEPT_REFUSALS:
                raise
            if not await key.begin_again(connection):
                raise
            known = self._again(await key.find(connection))
            if known is not None:
                return known
            answer = Answer(problem.status, self._refused(problem), problem.headers)
        return await self._keep(connection, key, answer)

    async def _find(self, connection: Connection, key: CallersKey, *, wait: bool) -> Response | None:
        if wait:
            await key.lock_in_turn(connection)
            return self._again(await key.find(connection))
        free, kept = await key.lock_and_find(connection)
        if not free:
            raise _still_running()
        return self._again(kept)

    async def _keep(self, connection: Connection, key: CallersKey, answer: Answer) -> Response:
        response = answer.response()
        headers = {**answer.headers, "Content-Type": str(response.media_type)}
        kept = KeptAnswer(self._fingerprint, answer.status, headers, bytes(response.body))
        *_, stored = await write_together(connection, [*answer.writes, key.write(kept)])
        if not stored:
            # Another request with the key was answered after we had looked and before we had the lock.
            raise _still_running()
        return response

    def _again(self, kept: KeptAnswer | None) -> Response | None:
        if kept is None:
            return None
        if kept.fingerprint != self._fingerprint:
            raise UnprocessableContent(
                "idempotency_key_reused", "This Idempotency-Key was used with another request.", errors=[]
            )
        return Response(kept.body, kept.status, {**kept.headers, "Idempotent-Replayed": "true"})


def _still_running() -> Conflict:
    return Conflict("idempotency_in_progress", "The first request with this key still runs.")


async def _idempotency(request: Request, idempotency_key: Annotated[str | None, Header()] = None) -> IdempotentCall:
    _check(idempotency_key)
    fingerprint = await _fingerprint(request) if idempotency_key is not None else ""
    # Whoever is signed in is known by the time of the work, whatever the order in which the route asks for things.
    refused = partial(problem_document, request)
    return IdempotentCall(idempotency_key, fingerprint, lambda: principal_of(request).subject, refused)


def idempotent_call(request: Request, principal: Principal, key: str | None, body: str) -> IdempotentCall:
    """The request's call where its body was read as a stream; ``body`` stands for it, such as its digest.

    Raises BadRequest when the key is none.
    """
    _check(key)
    text = f"{request.method} {request.url.path}\n{body}".encode()
    fingerprint = hashlib.sha256(text).hexdigest()
    return IdempotentCall(key, fingerprint, lambda: principal.subject, partial(problem_document, request))


def _check(key: str | None) -> None:
    if key is not None and not _KEY.match(key):
        raise BadRequest("invalid_idempotency_key", "Idempotency-Key is 1 to 255 visible ASCII characters.")


async def _fingerprint(request: Request) -> str:
    body = await request.body()
    with suppress(orjson.JSONDecodeError):  # not JSON: the bytes themselves stand for it
        body = orjson.dumps(orjson.loads(body), option=orjson.OPT_SORT_KEYS)
    text = f"{request.method} {request.url.path}\n".encode() + body
    return hashlib.sha256(text).hexdigest()


Idempotency = Annotated[IdempotentCall, Depends(_idempotency)]
"""The request's Idempotency-Key, for the signed-in caller."""
