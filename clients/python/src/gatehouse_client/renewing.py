"""How a client comes to its next token, once for all who wait for it."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from gatehouse_client.call import Call, headers_of, json_of
from gatehouse_client.credentials import ClientCredentials, Credential, Tokens
from gatehouse_client.decoding import decoded
from gatehouse_client.errors import CannotRenew, GatehouseError, NotReached, Problem
from gatehouse_client.form import form_of
from gatehouse_client.manners import never_sent
from gatehouse_client.models.users import Token, TokenAnswer
from gatehouse_client.state import REFRESH_PATH, TOKEN_PATH, State

if TYPE_CHECKING:
    import httpx

# Answers by which it is known that a token was not spent.
_REFUSED = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


def renewing_call(credential: Credential) -> Call:
    """The call that brings another token. A refresh token is not sent twice: used twice, it ends its whole family."""
    if isinstance(credential, ClientCredentials):
        body = form_of(
            grant_type="client_credentials",
            client_id=credential.client_id,
            client_secret=credential.client_secret,
            scope=credential.scope,
        )
        headers = headers_of("application/x-www-form-urlencoded")
        return Call("POST", TOKEN_PATH, headers=headers, content=body, signed=False, harmless=True)
    if isinstance(credential, Tokens) and credential.refresh_token is not None:
        body = json_of(refresh_token=credential.refresh_token)
        return Call("POST", REFRESH_PATH, headers=headers_of("application/json"), content=body, signed=False)
    raise CannotRenew("the access token has ended and came without a refresh token")


def renewed(credential: Credential, response: httpx.Response) -> Tokens | ClientCredentials:
    """The credential with its new token."""
    if isinstance(credential, ClientCredentials):
        token = decoded(response, TokenAnswer)
        return ClientCredentials(credential.client_id, credential.client_secret, credential.scope, token.access_token)
    pair = decoded(response, Token)
    return Tokens(pair.access_token, pair.refresh_token)


def not_renewed(state: State, credential: Credential, error: GatehouseError) -> GatehouseError:
    """What to raise. A refresh token of which nobody knows whether it was spent is not used again."""
    if isinstance(credential, ClientCredentials):
        return error
    if isinstance(error, Problem) and error.status in _REFUSED:
        return error
    if isinstance(error, NotReached) and isinstance(error.__cause__, Exception) and never_sent(error.__cause__):
        return error
    if state.credential is credential and isinstance(credential, Tokens):
        state.credential = Tokens(credential.access_token)
    lost = CannotRenew(f"the session can't be continued, log in again: {error}")
    lost.__cause__ = error
    return lost
