"""``grant_type=client_credentials``: a token for the client itself (RFC 6749 section 4.4)."""

from datetime import timedelta
from uuid import uuid4

import structlog

from users.domain.oauth_clients import ClientType
from users.oauth.errors import OAuthError, invalid_client
from users.oauth.grants.grant import GrantRequest, TokenAnswer
from users.oauth.scope import granted_scopes
from users.store import oauth_clients, service_tokens

log = structlog.stdlib.get_logger(__name__)

LIFETIME = timedelta(minutes=5)
"""The client can have another at any time, so it gets no refresh token (RFC 6749 section 4.4.3)."""


async def client_credentials(request: GrantRequest) -> TokenAnswer:
    """A short token with the scopes that were asked for, else all that the client may have. Raises OAuthError."""
    if request.client.type is not ClientType.CONFIDENTIAL:
        raise OAuthError("unauthorized_client", "Only a client that keeps a secret may stand for itself.")
    token_id = uuid4()
    async with request.database.transaction() as connection:
        # As it is now: whoever removes or weakens it meanwhile waits, and then ends this token with the others.
        client = await oauth_clients.hold(connection, request.client.client_id)
        secret_holds = await oauth_clients.secret_holds(connection, request.client.client_id, request.secret_digest)
        if client is None or not secret_holds:
            raise invalid_client()
        scopes = granted_scopes(request.form.get("scope"), client.scopes)
        await service_tokens.insert(connection, token_id, client.client_id, LIFETIME)
    access = request.own.issuer.issue_to_client(
        client.client_id, token_id=token_id, tier=client.tier, scopes=scopes, lifetime=LIFETIME
    )
    log.info("client_token_issued", client_id=client.client_id, scopes=len(scopes))
    return TokenAnswer(access, scopes)
