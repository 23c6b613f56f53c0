"""Where an authorization code may be sent: exact addresses, registered beforehand (RFC 9700 section 2.1)."""

import re
from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

MAX_LENGTH = 2000

# RFC 3986 without the fragment; what is left out, two readers could understand in two ways. The wildcard is legal there
# and here a sign that more than one address is meant.
_PLAIN = re.compile(r"[A-Za-z0-9._~:/?\[\]@!$&'()+,;=%-]+")
_LOOPBACK = ("127.0.0.1", "::1")


def check_redirect_uri(uri: str) -> str:
    """The address, unchanged. Raises ValueError.

    https, or http to a literal address of the loopback for programs on a person's machine (RFC 8252 section 7.3).
    """
    if len(uri) > MAX_LENGTH:
        raise ValueError(f"An address has at most {MAX_LENGTH} characters.")
    if not _PLAIN.fullmatch(uri):
        raise ValueError("An address has no fragment, no wildcard, no space and ASCII letters only.")
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        raise ValueError("This is not an absolute URL.") from None
    if not parts.hostname or "@" in parts.netloc:
        raise ValueError("An address names a host, and no user.")
    if parts.scheme != "https" and not _is_loopback(parts):
        raise ValueError("An address is https; or http to 127.0.0.1 or [::1], for a program on a person's own machine.")
    return uri


def redirect_uri_is_registered(given: str, registered: Iterable[str]) -> bool:
    """Whether it is one of the registered, letter by letter; only on the loopback the port may be another.

    RFC 8252 section 7.3: a program on a person's machine takes whatever port is free.
    """
    known = tuple(registered)
    if given in known:
        return True
    try:
        parts = urlsplit(check_redirect_uri(given))
    except ValueError:
        return False
    return _is_loopback(parts) and any(_without_port(given) == _without_port(uri) for uri in known)


def _is_loopback(parts: SplitResult) -> bool:
    return parts.scheme == "http" and parts.hostname in _LOOPBACK


def _without_port(uri: str) -> str:
    parts = urlsplit(uri)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    return f"{parts.scheme}://{host}{uri.partition('://')[2].removeprefix(parts.netloc)}"
