"""How an authorization answer reaches the client: by redirect, at the address that the client registered."""

import re
from collections.abc import Iterable
from urllib.parse import urlencode, urlsplit

# A character more in a source of a policy would end it and begin another.
_SOURCE = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?", re.ASCII)


def identifies_its_owner(redirect_uri: str) -> bool:
    """Whether nobody but the client can be at this address: a domain of its own, over TLS (RFC 8252 section 8.6)."""
    return redirect_uri.startswith("https://")


def form_source(redirect_uri: str) -> str:
    """The address as a source of ``form-action`` (CSP 3): browsers ask it of the redirect that answers a form too.

    For an IPv6 address a policy has no word; then its scheme.
    """
    parts = urlsplit(redirect_uri)
    origin = f"{parts.scheme}://{parts.netloc}"
    return origin if _SOURCE.fullmatch(origin) else "https:" if parts.scheme == "https" else "http:"


def with_parameters(redirect_uri: str, parameters: Iterable[tuple[str, str]]) -> str:
    """The address with these added to the query it may have (RFC 6749 section 3.1.2)."""
    return f"{redirect_uri}{'&' if '?' in redirect_uri else '?'}{urlencode(list(parameters))}"
