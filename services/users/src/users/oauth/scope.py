"""The parameter ``scope`` (RFC 6749 section 3.3)."""

import re
from collections.abc import Collection

from users.oauth.errors import OAuthError

_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*")


def granted_scopes(asked: str | None, allowed: Collection[str]) -> tuple[str, ...]:
    """What was asked for, else all that is allowed, in the order of ``allowed``.

    Raises OAuthError invalid_scope for one that is not allowed, and where nothing would be granted.
    """
    if asked is None:
        granted = tuple(allowed)
    else:
        wanted = set(asked.split(" "))
        if not _SCOPE.fullmatch(asked) or not wanted <= set(allowed):
            raise OAuthError("invalid_scope", "A scope is not known, or this client may not have it.")
        granted = tuple(scope for scope in allowed if scope in wanted)
    if not granted:
        raise OAuthError("invalid_scope", "This client may have no scope.")
    return granted
