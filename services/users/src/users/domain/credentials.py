"""Opaque credentials: made of 256 random bits, recognizable by a prefix, kept as SHA-256 alone.

A fast hash is right for them: nobody can guess 256 bits (TRAPS.md, Auth 6).
"""

import hashlib
import hmac
import re
import secrets

_REFRESH_PREFIX = "ghr_"
_CLIENT_PREFIX = "ghs_"
_API_KEY = re.compile(r"gh_([1-9][0-9]{0,17})_([A-Za-z0-9_-]{43})", re.ASCII)


def new_refresh_token() -> str:
    """A refresh token: ``ghr_`` and 43 characters."""
    return _REFRESH_PREFIX + secrets.token_urlsafe(32)


def new_client_secret() -> str:
    """A secret of an OAuth client: ``ghs_`` and 43 characters."""
    return _CLIENT_PREFIX + secrets.token_urlsafe(32)


def new_client_id() -> str:
    """The name of an OAuth client: never digits alone, which would be a user's id."""
    return f"client-{secrets.token_hex(8)}"


def new_mailed_token(prefix: str) -> str:
    """The token of a mailed link: its purpose's prefix and 43 characters."""
    return prefix + secrets.token_urlsafe(32)


def new_key_secret() -> str:
    """The secret part of an API key, 43 characters."""
    return secrets.token_urlsafe(32)


def api_key(key_id: int, secret: str) -> str:
    """The key as its owner keeps it: ``gh_<id>_<secret>``."""
    return f"gh_{key_id}_{secret}"


def parse_api_key(text: str) -> tuple[int, str] | None:
    """Id and secret of a key, None for what is no key."""
    found = _API_KEY.fullmatch(text)
    return (int(found[1]), found[2]) if found else None


def digest(secret: str) -> bytes:
    """SHA-256 of a credential, which is what is kept."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def matches(secret: str, kept: bytes) -> bool:
    """Whether the credential is the one whose digest is kept, in constant time."""
    return hmac.compare_digest(digest(secret), kept)
