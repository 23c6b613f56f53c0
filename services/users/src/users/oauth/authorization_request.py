"""Reads a request at the authorization endpoint (RFC 6749 section 4.1.1, RFC 7636 section 4.3, RFC 9700)."""

from collections import Counter
from collections.abc import Sequence
from urllib.parse import parse_qsl

from users.domain.authorization import AuthorizationError, AuthorizationRequest, Prompt, UntrustedRequest
from users.domain.authorization_answers import identifies_its_owner
from users.domain.oauth_clients import ClientType, GrantType, OAuthClient
from users.domain.pkce import is_challenge
from users.domain.redirect_uris import redirect_uri_is_registered
from users.oauth.errors import OAuthError
from users.oauth.scope import granted_scopes

_MOST_PARAMETERS = 40

Parameters = Sequence[tuple[str, str]]


def parse_query(text: str) -> list[tuple[str, str]]:
    """The parameters that have a value (RFC 6749 section 3.1). Raises UntrustedRequest."""
    try:
        return parse_qsl(text, errors="strict", max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        raise UntrustedRequest("The address of this page is not well formed.") from None


def only(parameters: Parameters, name: str) -> str:
    """The one value of a parameter, empty where there is none. Raises UntrustedRequest when there are several."""
    found = [value for key, value in parameters if key == name]
    if len(found) > 1:
        raise UntrustedRequest(f"The application that sent you here named its {name} twice.")
    return found[0] if found else ""


def check_address(client: OAuthClient | None, parameters: Parameters) -> tuple[OAuthClient, str]:
    """The client, and the address to answer to, which is the client's own. Raises UntrustedRequest."""
    redirect_uri = only(parameters, "redirect_uri")
    if client is None:
        raise UntrustedRequest("The application that sent you here is not known.")
    if not redirect_uri or not redirect_uri_is_registered(redirect_uri, client.redirect_uris):
        raise UntrustedRequest("The application that sent you here wants the answer at an address that is not its own.")
    return client, redirect_uri


def check_request(client: OAuthClient, redirect_uri: str, parameters: Parameters) -> AuthorizationRequest:
    """The request of a client whose address is right. Raises AuthorizationError, which is told by redirect."""
    if any(count > 1 for count in Counter(name for name, _ in parameters).values()):
        raise AuthorizationError("invalid_request", "A parameter is there twice.")
    given = dict(parameters)
    _check_kind(client, given)
    _check_challenge(given)
    return AuthorizationRequest(
        client_id=client.client_id,
        client_name=client.name,
        redirect_uri=redirect_uri,
        state=given.get("state"),
        scopes=_scopes(client, given.get("scope")),
        code_challenge=given["code_challenge"],
        prompts=_prompts(given.get("prompt", "")),
        consent_is_kept=client.type is ClientType.CONFIDENTIAL or identifies_its_owner(redirect_uri),
    )


def _check_kind(client: OAuthClient, given: dict[str, str]) -> None:
    for name in ("request", "request_uri"):
        if name in given:
            raise AuthorizationError(f"{name}_not_supported", "Send the parameters themselves.")
    if "response_type" not in given:
        raise AuthorizationError("invalid_request", "response_type is missing.")
    if given["response_type"] != "code":
        raise AuthorizationError("unsupported_response_type", "The only response_type is code.")
    if given.get("response_mode", "query") != "query":
        raise AuthorizationError("invalid_request", "The only response_mode is query.")
    if GrantType.AUTHORIZATION_CODE not in client.grants:
        raise AuthorizationError("unauthorized_client", "The client may not use authorization_code.")


def _check_challenge(given: dict[str, str]) -> None:
    if "code_challenge" not in given:
        raise AuthorizationError("invalid_request", "code_challenge is missing (RFC 7636).")
    # Without a method RFC 7636 section 4.3 means plain, and plain is refused.
    if given.get("code_challenge_method") != "S256":
        raise AuthorizationError("invalid_request", "The only code_challenge_method is S256.")
    if not is_challenge(given["code_challenge"]):
        raise AuthorizationError("invalid_request", "code_challenge is not a SHA-256 in base64url.")


def _scopes(client: OAuthClient, asked: str | None) -> tuple[str, ...]:
    try:
        return granted_scopes(asked, client.scopes)
    except OAuthError as error:
        raise AuthorizationError(error.error, error.description) from None


def _prompts(text: str) -> frozenset[Prompt]:
    try:
        found = frozenset(Prompt(word) for word in text.split())
    except ValueError:
        raise AuthorizationError("invalid_request", "prompt is none, login or consent.") from None
    if Prompt.NONE in found and len(found) > 1:
        raise AuthorizationError("invalid_request", "prompt is none or something, not both.")
    return found
