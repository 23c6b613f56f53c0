"""What the pages say of themselves in the OpenAPI document."""

from typing import Any

from users.oauth.forms import FORM

_HTML = {"text/html": {"schema": {"type": "string"}}}
_PARAMETERS = {
    "response_type": "`code`",
    "client_id": "The client.",
    "redirect_uri": "Exactly as the client registered it.",
    "code_challenge": "SHA-256 of the verifier in base64url (RFC 7636).",
    "code_challenge_method": "`S256`",
    "scope": "What the client wants, with spaces between; without it all that it may have.",
    "state": "Comes back with the answer.",
    "prompt": "`none`, `login` or `consent`",
}

Responses = dict[int | str, dict[str, Any]]

AUTHORIZATION_REQUEST: dict[str, Any] = {
    "parameters": [
        {"name": name, "in": "query", "description": description, "schema": {"type": "string"}}
        for name, description in _PARAMETERS.items()
    ],
    "security": [{}],
}
PAGES: Responses = {
    200: {"description": "A page that asks the person.", "content": _HTML},
    303: {"description": "On to the client, with a code or an error.", "content": {}},
    400: {"description": "A page: nobody is known to be told of it.", "content": _HTML},
}
REOPENED: Responses = {
    303: {"description": "To the authorization endpoint.", "content": {}},
    400: {"description": "A page: the request does not parse.", "content": _HTML},
}
FORM_PAGES: Responses = {
    303: {"description": "On to the next page, or to the client.", "content": {}},
    400: {"description": "A page: the request or the form does not parse.", "content": _HTML},
    403: {"description": "A page: this browser was not shown the form.", "content": _HTML},
}
LOGIN_PAGES: Responses = {
    **FORM_PAGES,
    401: {"description": "The page again: what was typed is wrong.", "content": _HTML},
    429: {"description": "The page again: too many failures.", "content": _HTML},
    503: {"description": "The page again: too many sign in at once.", "content": _HTML},
}
STYLE: Responses = {200: {"description": "The style sheet.", "content": {"text/css": {"schema": {"type": "string"}}}}}


def form_fields(*names: str) -> dict[str, Any]:
    """The body of a page's form."""
    properties = {name: {"type": "string"} for name in (*names, "csrf_token")}
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {**AUTHORIZATION_REQUEST, "requestBody": {"required": True, "content": {FORM: {"schema": schema}}}}
