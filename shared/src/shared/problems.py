"""Errors as ``application/problem+json`` (RFC 9457), each exception carrying its status and code.

Problem
 ├─ BadRequest 400          ├─ NotFound 404             ├─ UnsupportedMediaType 415
 ├─ Unauthorized 401        ├─ Conflict 409             ├─ UnprocessableContent 422
 ├─ PaymentRequired 402     ├─ Gone 410                 ├─ TooManyRequests 429
 ├─ Forbidden 403           ├─ PreconditionFailed 412   └─ Unavailable 503
 └─ ContentTooLarge 413
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar, Self

from pydantic import BaseModel, Field

CHALLENGE = 'Bearer realm="gatehouse"'
"""What an answer asks for that asks to sign in."""


class FieldError(BaseModel):
    """What is wrong with one field of the input."""

    field: str
    message: str


class ProblemDocument(BaseModel):
    """The body of every error answer."""

    type: str = Field(examples=["about:blank"])
    title: str
    status: int
    detail: str
    code: str
    instance: str
    trace_id: str
    errors: list[FieldError] | None = None


class Problem(Exception):  # noqa: N818 - RFC 9457's own word
    """An error answer. ``code`` is a stable word for programs, ``detail`` a sentence for people."""

    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        errors: Sequence[FieldError] | None = None,
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})
        self.errors = list(errors) if errors is not None else None


class BadRequest(Problem):
    """400: what does not parse."""

    status = HTTPStatus.BAD_REQUEST


class Unauthorized(Problem):
    """401: no valid credentials; carries ``WWW-Authenticate`` (RFC 9110 section 11.6.1, RFC 6750 section 3)."""

    status = HTTPStatus.UNAUTHORIZED

    def __init__(self, code: str, detail: str, *, challenge: str = CHALLENGE) -> None:
        super().__init__(code, detail, headers={"WWW-Authenticate": challenge})

    @classmethod
    def invalid_token(cls) -> Self:
        """For a token that does not stand for anyone, or no more."""
        return cls("invalid_token", "The token is not valid.", challenge=f'{CHALLENGE}, error="invalid_token"')


class PaymentRequired(Problem):
    """402: the payment provider declined."""

    status = HTTPStatus.PAYMENT_REQUIRED


class Forbidden(Problem):
    """403: known, but without the role or scope."""

    status = HTTPStatus.FORBIDDEN


class NotFound(Problem):
    """404: not there, or not for this caller."""

    status = HTTPStatus.NOT_FOUND


class Conflict(Problem):
    """409: the state of the thing does not allow it."""

    status = HTTPStatus.CONFLICT


class Gone(Problem):
    """410: it was here, and will not come back."""

    status = HTTPStatus.GONE


class PreconditionFailed(Problem):
    """412: ``If-Match`` names another version."""

    status = HTTPStatus.PRECONDITION_FAILED


class ContentTooLarge(Problem):
    """413: a body over the limit, by its length or as it flowed."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class UnsupportedMediaType(Problem):
    """415: a body of a type that is not taken here."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class UnprocessableContent(Problem):
    """422: parses, but a field breaks a rule."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class TooManyRequests(Problem):
    """429: over a limit; ``retry_after`` in whole seconds."""

    status = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, code: str, detail: str, *, retry_after: int) -> None:
        super().__init__(code, detail, headers={"Retry-After": str(retry_after)})


class Unavailable(Problem):
    """503: a dependency is away or full; ``retry_after`` in whole seconds."""

    status = HTTPStatus.SERVICE_UNAVAILABLE

    def __init__(self, code: str, detail: str, *, retry_after: int = 1) -> None:
        super().__init__(code, detail, headers={"Retry-After": str(retry_after)})


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI ``responses`` that say which errors a route answers with."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }
