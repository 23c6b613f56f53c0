"""Ends a token of a client's own (RFC 7009 section 2.1).

The hint is not needed: what a token is can be seen. An access token of a person's authorization ends with the whole
authorization, as its refresh token does: the access token alone would be had again at once.
"""

from shared.identity import TokenVerifier
from shared.postgres import Connection
from users.domain.credentials import digest
from users.domain.oauth_clients import OAuthClient
from users.oauth.access_tokens import living_token
from users.oauth.errors import OAuthError
from users.store import client_refresh_tokens, service_tokens, sessions

REASON = "revoked_by_client"


async def revoke_token(verifier: TokenVerifier, connection: Connection, client: OAuthClient, token: str) -> None:
    """Nothing for a token that is not known. Raises OAuthError for an access token that another client got."""
    session_id = await client_refresh_tokens.session_of(connection, digest(token), client.client_id)
    if session_id is not None:
        await sessions.end(connection, session_id, REASON)
        return
    found = await living_token(verifier, connection, token)
    if found is None:
        return
    if found.client_id != client.client_id:
        raise OAuthError("invalid_grant", "The token was issued to another client.")
    if found.token_id is not None:
        await service_tokens.revoke(connection, found.token_id)
    elif found.session_id is not None:
        await sessions.end(connection, found.session_id, REASON)
