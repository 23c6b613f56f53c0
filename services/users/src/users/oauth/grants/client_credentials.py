"""``grant_type=client_credentials``: a token for the client itself (RFC 6749 section 4.4)."""

from datetime import timedelta

import structlog

from users.domain.oauth_clients import ClientType
from users.oauth.errors import OAuthError
from users.oauth.grants.grant import GrantRequest, TokenAnswer
from users.oauth.scope import granted_scopes

log = structlog.stdlib.get_logger(__name__)

LIFETIME = timedelta(minutes=5)
"""The client can have another at any time, so it gets no refresh token (RFC 6749 section 4.4.3)."""


async def client_credentials(request: GrantRequest) -> TokenAnswer:
    """A short token with the scopes that were asked for, else all that the client may have. Raises OAuthError."""
    client = request.client
    if client.type is not ClientType.CONFIDENTIAL:
        raise OAuthError("unauthorized_client", "Only a client that keeps a secret may stand for itself.")
    scopes = granted_scopes(request.form.get("scope"), client.scopes)
    access = request.own.issuer.issue_to_client(client.client_id, tier=client.tier, scopes=scopes, lifetime=LIFETIME)
    log.info("client_token_issued", client_id=client.client_id, scopes=len(scopes))
    return TokenAnswer(access, scopes)
