"""The grants of the token endpoint, a module each; ``GRANTS`` is what the endpoint and the metadata know."""

from collections.abc import Mapping

from users.domain.oauth_clients import GrantType
from users.oauth.grants.authorization_code import authorization_code
from users.oauth.grants.client_credentials import client_credentials
from users.oauth.grants.grant import Grant, GrantRequest, TokenAnswer
from users.oauth.grants.refresh_token import refresh_token

GRANTS: Mapping[GrantType, Grant] = {
    GrantType.AUTHORIZATION_CODE: authorization_code,
    GrantType.REFRESH_TOKEN: refresh_token,
    GrantType.CLIENT_CREDENTIALS: client_credentials,
}

__all__ = ["GRANTS", "Grant", "GrantRequest", "TokenAnswer"]
