"""The authorization endpoint's decisions: whom to ask what, and what to tell the client."""

from dataclasses import dataclass
from enum import Enum, auto

from shared.postgres import Connection
from users.domain.audit import AuditAction
from users.domain.authorization import AuthorizationError, AuthorizationRequest, Prompt, new_code
from users.domain.authorization_answers import with_parameters
from users.domain.credentials import digest
from users.domain.scopes import narrowed
from users.domain.sessions import Client
from users.oauth.authorization_request import Parameters, check_address, check_request, only
from users.store import audit, oauth_clients, oauth_codes, oauth_consents
from users.store.browser_sessions import SignedInBrowser


@dataclass(frozen=True, slots=True)
class ToClient:
    """The browser is sent to the client, which reads its answer in the address."""

    location: str


class Ask(Enum):
    """What the person is asked first."""

    WHO_IT_IS = auto()
    WHETHER_IT_MAY = auto()


async def read_request(connection: Connection, issuer: str, parameters: Parameters) -> AuthorizationRequest | ToClient:
    """The request that the address of the page says, or what the client is told of it.

    Raises UntrustedRequest where nobody is known to be told.
    """
    client_id = only(parameters, "client_id")
    client = await oauth_clients.find(connection, client_id) if client_id.isprintable() else None
    client, redirect_uri = check_address(client, parameters)
    try:
        return check_request(client, redirect_uri, parameters)
    except AuthorizationError as error:
        states = [value for name, value in parameters if name == "state"]
        state = states[0] if len(states) == 1 else None
        return _refusal(issuer, redirect_uri, state, error.error, error.description)


async def decide(
    connection: Connection,
    issuer: str,
    request: AuthorizationRequest,
    browser: SignedInBrowser | None,
) -> ToClient | Ask:
    """A code where the person is known and allowed it before; else whom to ask what."""
    silent = Prompt.NONE in request.prompts
    if browser is None or Prompt.LOGIN in request.prompts:
        return refuse(issuer, request, "login_required", "Nobody is signed in.") if silent else Ask.WHO_IT_IS
    granted = grantable(request, browser)
    known = request.consent_is_kept and Prompt.CONSENT not in request.prompts
    if known and await oauth_consents.covers(connection, browser.user_id, request.client_id, granted):
        return await _let_in(connection, issuer, request, browser)
    if silent:
        return refuse(issuer, request, "consent_required", "The person has not allowed this yet.")
    return Ask.WHETHER_IT_MAY


async def allow(
    connection: Connection,
    issuer: str,
    request: AuthorizationRequest,
    browser: SignedInBrowser,
    origin: Client,
) -> ToClient:
    """The person allowed it: kept where nobody else can pretend to be the client, and put on record."""
    if request.consent_is_kept:
        await oauth_consents.keep(connection, browser.user_id, request.client_id, grantable(request, browser))
    await audit.insert(
        connection,
        AuditAction.CLIENT_ALLOWED,
        actor_id=browser.user_id,
        subject_id=browser.user_id,
        client=origin,
        client_id=request.client_id,
    )
    return await _let_in(connection, issuer, request, browser)


def refuse(issuer: str, request: AuthorizationRequest, error: str, description: str) -> ToClient:
    """The client is told no."""
    return _refusal(issuer, request.redirect_uri, request.state, error, description)


def grantable(request: AuthorizationRequest, browser: SignedInBrowser) -> tuple[str, ...]:
    """What of the scopes that are asked for the person has to give."""
    return narrowed(browser.role, request.scopes)[1]


async def _let_in(
    connection: Connection, issuer: str, request: AuthorizationRequest, browser: SignedInBrowser
) -> ToClient:
    code = new_code()
    await oauth_codes.insert(
        connection,
        digest(code),
        request,
        user_id=browser.user_id,
        browser_session_id=browser.session_id,
        scopes=grantable(request, browser),
    )
    return _answer(issuer, request.redirect_uri, request.state, ("code", code))


def _refusal(issuer: str, redirect_uri: str, state: str | None, error: str, description: str) -> ToClient:
    return _answer(issuer, redirect_uri, state, ("error", error), ("error_description", description))


def _answer(issuer: str, redirect_uri: str, state: str | None, *parameters: tuple[str, str]) -> ToClient:
    # The client's own `state` goes back as it came; `iss` is against mix-ups of servers (RFC 9207).
    known = [("state", state)] if state is not None else []
    return ToClient(with_parameters(redirect_uri, [*parameters, *known, ("iss", issuer)]))
