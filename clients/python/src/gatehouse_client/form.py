"""Bodies as forms, which the token endpoints take."""

from __future__ import annotations

from urllib.parse import urlencode


def form_of(**given: str | None) -> bytes:
    """The body, without what is None."""
    return urlencode({name: value for name, value in given.items() if value is not None}).encode()
