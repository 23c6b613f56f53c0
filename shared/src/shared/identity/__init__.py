"""Who calls: tokens verified here again, whatever stands in front."""

from shared.identity.dependencies import Admin, SignedIn, signed_in
from shared.identity.jwks import KeySource, RemoteKeys
from shared.identity.principal import Principal
from shared.identity.revocations import Revocation, RevokedTokens, add_revocations
from shared.identity.verifier import InvalidToken, TokenVerifier

__all__ = [
    "Admin",
    "InvalidToken",
    "KeySource",
    "Principal",
    "RemoteKeys",
    "Revocation",
    "RevokedTokens",
    "SignedIn",
    "TokenVerifier",
    "add_revocations",
    "signed_in",
]
