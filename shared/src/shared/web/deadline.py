"""Work that nobody waits for any longer ends, down to its SQL, and is answered 504.

The gateway says in ``X-Request-Timeout-Ms`` for how many milliseconds it waits for an answer to begin (relative, as
gRPC's ``grpc-timeout``: clocks differ). asyncpg cancels the running statement when its task is cancelled, and the
transaction rolls back: a write that is answered 504 has not happened, unless it was being committed at that moment.
"""

import asyncio
import re
from http import HTTPStatus

from fastapi import Request
from prometheus_client import Counter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.web.observe import route_of
from shared.web.problem_handlers import problem_response

TIMEOUT_HEADER = b"x-request-timeout-ms"
EXCEEDED = Counter("http_server_deadlines_exceeded_total", "Requests whose time was over, by route.", ["route"])
# Nine digits are eleven days; whatever is longer, signed, fractional or not a number is no deadline.
_MILLISECONDS = re.compile(rb"[0-9]{1,9}")


def seconds_left(scope: Scope) -> float | None:
    """What the caller still waits, in seconds; None where it says nothing, two things, or nothing sensible."""
    values = [value for name, value in scope["headers"] if name == TIMEOUT_HEADER]
    if len(values) != 1 or not _MILLISECONDS.fullmatch(values[0]):
        return None
    return int(values[0]) / 1000


class CancelAtDeadline:
    """Cancels the handler when its answer has not begun in time. An answer that has begun is the caller's to cut."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app with its time limited."""
        seconds = seconds_left(scope) if scope["type"] == "http" else None
        if seconds is None:
            await self._app(scope, receive, send)
            return
        limit = asyncio.timeout(seconds)

        async def in_time(message: Message) -> None:
            if limit.expired():
                # Too late by a moment: the 504 stands in its place.
                return
            if message["type"] == "http.response.start":
                limit.reschedule(None)
            await send(message)

        try:
            async with limit:
                await self._app(scope, receive, in_time)
        except TimeoutError:
            if not limit.expired():
                raise
        if limit.expired():
            EXCEEDED.labels(route_of(scope)).inc()
            detail = "The time for this request was over before its answer was ready."
            response = problem_response(Request(scope), HTTPStatus.GATEWAY_TIMEOUT, "deadline_exceeded", detail)
            await response(scope, receive, send)
