"""A form of the pages as it comes back: what it says, by which browser, about which request of a client."""

from typing import NamedTuple

from fastapi import Request

from shared.web import get_resources
from users.api.oauth.visit import Visit
from users.domain.authorization import AuthorizationRequest, UntrustedRequest
from users.oauth import authorizing
from users.oauth.authorizing import ToClient
from users.oauth.errors import OAuthError
from users.oauth.forms import read_form
from users.resources import UsersResources


class Posted(NamedTuple):
    """Whether the browser was shown the form is still to be asked (``Visit.was_shown``)."""

    visit: Visit
    asked: AuthorizationRequest
    form: dict[str, str]


async def read_posted(request: Request, own: UsersResources) -> Posted | ToClient:
    """The form, or what the client is told of its request. Raises UntrustedRequest."""
    visit = Visit.of(request, own)
    try:
        form = await read_form(request)
    except OAuthError as error:
        raise UntrustedRequest("The form does not parse.") from error
    async with get_resources(request).database.acquire() as connection:
        asked = await authorizing.read_request(connection, visit.issuer, visit.parameters)
    return asked if isinstance(asked, ToClient) else Posted(visit, asked, form)
