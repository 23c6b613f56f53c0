"""The grants of the token endpoint, a module each; ``GRANTS`` is what the endpoint and the metadata know."""

from collections.abc import Mapping

from users.domain.oauth_clients import GrantType
from users.oauth.grants.client_credentials import client_credentials
from users.oauth.grants.grant import Grant, GrantRequest, TokenAnswer

GRANTS: Mapping[GrantType, Grant] = {GrantType.CLIENT_CREDENTIALS: client_credentials}

__all__ = ["GRANTS", "Grant", "GrantRequest", "TokenAnswer"]
