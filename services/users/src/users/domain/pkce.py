"""Proof Key for Code Exchange (RFC 7636), S256 alone: ``plain`` protects from nobody who sees the request."""

import base64
import hashlib
import hmac
import re

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}", re.ASCII)


def is_challenge(text: str) -> bool:
    """Whether it can be a SHA-256 in base64url (section 4.2)."""
    return _CHALLENGE.fullmatch(text) is not None


def proves(verifier: str, challenge: str) -> bool:
    """Whether the challenge was made of this verifier (section 4.6), in constant time."""
    if _VERIFIER.fullmatch(verifier) is None:
        return False
    found = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return hmac.compare_digest(found, challenge)
