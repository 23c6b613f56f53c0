"""Parameters of an OAuth request: a form in the body, each once (RFC 6749 sections 3.2 and 4, appendix B)."""

import re
from http import HTTPStatus
from urllib.parse import parse_qsl

from fastapi import Request

from users.oauth.errors import invalid_request

FORM = "application/x-www-form-urlencoded"
_MOST_BYTES = 65_536
_MOST_FIELDS = 100
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


async def read_form(request: Request) -> dict[str, str]:
    """Parameters by name; one without a value is as if it were not there. Raises OAuthError."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise invalid_request(f"The body must be {FORM}.", HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > _MOST_BYTES:
            raise invalid_request("The body is too long.", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return parse_form(bytes(body))


def parse_form(body: bytes) -> dict[str, str]:
    """The same for a body that is there."""
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise invalid_request("The form does not parse.") from None
    form: dict[str, str] = {}
    for name, value in pairs:
        if name in form:
            raise invalid_request("A parameter is there twice.")
        if _CONTROL.search(name) or _CONTROL.search(value):
            raise invalid_request("A parameter has a character that none may have.")
        form[name] = value
    return {name: value for name, value in form.items() if value}
