"""What the OAuth endpoints say of themselves in the OpenAPI document."""

from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import HTTPBasic

from users.oauth.errors import OAuthErrorDocument
from users.oauth.forms import FORM


class _Basic(HTTPBasic):
    async def __call__(self, request: Request) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - documents only
        """The endpoint reads the header itself, since a client may authenticate in the form as well."""


DocumentedBasic = Annotated[None, Depends(_Basic(scheme_name="client_secret_basic", auto_error=False))]

_ERRORS = {
    400: "The request is not right; `error` says why.",
    401: "The client did not authenticate.",
    413: "The body is too long.",
    415: "The body is no form.",
    429: "Too many failed authentications.",
}


def oauth_errors(*further: int) -> dict[int | str, dict[str, Any]]:
    """The error answers of an endpoint that clients authenticate at (RFC 6749 section 5.2)."""
    return {
        status: {"model": OAuthErrorDocument, "description": description}
        for status, description in (_ERRORS | dict.fromkeys(further, "The client may not do this.")).items()
    }


def form_body(required: tuple[str, ...], *optional: str) -> dict[str, Any]:
    """The request body; every client may also send ``client_id`` and ``client_secret`` instead of HTTP Basic."""
    names = (*required, *optional, "client_id", "client_secret")
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in names}, "required": [*required]}
    return {
        "requestBody": {"required": True, "content": {FORM: {"schema": schema}}},
        "security": [{}],
    }
