"""Errors of the OAuth endpoints, in OAuth's own format (RFC 6749 section 5.2)."""

from collections.abc import Mapping
from http import HTTPStatus

import orjson
from fastapi import Request, Response
from pydantic import BaseModel, Field

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
"""RFC 6749 section 5.1."""


class OAuthErrorDocument(BaseModel):
    """The body of an error: ``error`` for programs, ``error_description`` for people."""

    error: str = Field(examples=["invalid_grant"])
    error_description: str


class OAuthError(Exception):
    """An error answer; ``description`` holds nothing of what came in (RFC 6749 allows only plain ASCII in it)."""

    def __init__(
        self,
        error: str,
        description: str,
        *,
        status: HTTPStatus = HTTPStatus.BAD_REQUEST,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description
        self.status = status
        self.headers = dict(headers or {})


def invalid_request(description: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> OAuthError:
    """A parameter is missing, twice there, or of no meaning."""
    return OAuthError("invalid_request", description, status=status)


def invalid_client() -> OAuthError:
    """One answer for a client that is not there and for a wrong secret."""
    return OAuthError(
        "invalid_client",
        "The client is not known, or did not authenticate as it must.",
        status=HTTPStatus.UNAUTHORIZED,
        headers={"WWW-Authenticate": 'Basic realm="gatehouse", charset="UTF-8"'},
    )


async def answer_oauth_error(_request: Request, error: Exception) -> Response:
    """The handler of the application."""
    assert isinstance(error, OAuthError)  # noqa: S101 - what the handler is registered for
    body = OAuthErrorDocument(error=error.error, error_description=error.description)
    return Response(
        orjson.dumps(body.model_dump()),
        status_code=error.status,
        media_type="application/json",
        headers={**NO_STORE, **error.headers},
    )
