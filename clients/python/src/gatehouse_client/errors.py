"""What may go wrong.

GatehouseError
├── NotReached            no answer came: the connection failed or timed out
├── UnexpectedAnswer      an answer that the API does not give, such as a proxy's page
├── CannotRenew           the access token has ended and there is nothing (left) to get another with
└── Problem               the API said no (RFC 9457)
    ├── BadRequest 400, Unauthorized 401, PaymentRequired 402, Forbidden 403, NotFound 404, Conflict 409,
    │   Gone 410, PreconditionFailed 412, TooLarge 413, Invalid 422, RateLimited 429
    └── Unavailable       5xx and 408
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from gatehouse_client.answer import Answer
from gatehouse_client.retry_after import retry_after

if TYPE_CHECKING:
    import httpx


class GatehouseError(Exception):
    """Whatever this package raises."""


class NotReached(GatehouseError):
    """No answer came. What was asked for may still have been done, unless it was sent under a key or only read."""


class UnexpectedAnswer(GatehouseError):
    """The answer is not one of this API: something else is at this address, or in between."""


class CannotRenew(GatehouseError):
    """The access token has ended, and there is no way to another: log in again."""


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one field of what was sent."""

    field: str
    message: str


class Problem(GatehouseError):
    """An error that the API answered with. ``code`` is a stable word for programs, ``detail`` is for people."""

    def __init__(self, answer: Answer, document: dict[str, Any]) -> None:
        self.answer = answer
        self.status = answer.status
        # Token endpoints answer as RFC 6749 section 5.2 says.
        self.code = str(document.get("code") or document.get("error") or "unknown")
        self.title = str(document.get("title") or "")
        self.detail = str(document.get("detail") or document.get("error_description") or self.title)
        self.instance = str(document.get("instance") or "")
        self.trace_id = str(document.get("trace_id") or answer.trace_id or "")
        self.request_id = answer.request_id
        self.retry_after = retry_after(answer.headers)
        self.errors = _field_errors(document.get("errors"))
        fields = "".join(f"; {error.field}: {error.message}" for error in self.errors)
        super().__init__(f"{self.status} {self.code}: {self.detail}{fields}")


class BadRequest(Problem):
    """400: what was sent can't be read."""


class Unauthorized(Problem):
    """401: who asks is not known."""


class PaymentRequired(Problem):
    """402: the payment was declined."""


class Forbidden(Problem):
    """403: known, and not allowed."""


class NotFound(Problem):
    """404: not there, or somebody else's."""


class Conflict(Problem):
    """409: not as things stand, such as out of stock."""


class Gone(Problem):
    """410: it was here once."""


class PreconditionFailed(Problem):
    """412: it was changed since it was read (``if_match``)."""


class TooLarge(Problem):
    """413: the body is over the limit."""


class Invalid(Problem):
    """422: ``errors`` says what is wrong with which field."""


class RateLimited(Problem):
    """429: too many; ``retry_after`` says in how many seconds to come back."""


class Unavailable(Problem):
    """5xx and 408: not now, or broken."""


_BY_STATUS: dict[int, type[Problem]] = {
    400: BadRequest,
    401: Unauthorized,
    402: PaymentRequired,
    403: Forbidden,
    404: NotFound,
    408: Unavailable,
    409: Conflict,
    410: Gone,
    412: PreconditionFailed,
    413: TooLarge,
    422: Invalid,
    429: RateLimited,
}


def problem_of(response: httpx.Response) -> Problem:
    """The error that an answer of 400 or more stands for; its body has been read."""
    answer = Answer(response.status_code, response.headers)
    kind = Unavailable if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR else _BY_STATUS.get(answer.status, Problem)
    try:
        document = json.loads(response.content)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        return kind(answer, {"title": response.reason_phrase})
    return kind(answer, cast("dict[str, Any]", document))


def _field_errors(given: Any) -> tuple[FieldError, ...]:
    if not isinstance(given, list):
        return ()
    entries = [cast("dict[str, Any]", entry) for entry in cast("list[Any]", given) if isinstance(entry, dict)]
    return tuple(FieldError(str(entry.get("field", "")), str(entry.get("message", ""))) for entry in entries)
