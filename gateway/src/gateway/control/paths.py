"""The gateway's own paths; every other path belongs to the data plane."""

_OWN = frozenset({b"/", b"/docs", b"/health/live", b"/health/ready", b"/metrics", b"/openapi.json", b"/favicon.ico"})
_ASSETS = b"/docs/assets/"


def owned(path: bytes) -> bool:
    """Whether the control plane answers the (canonical) path."""
    return path in _OWN or path.startswith(_ASSETS)
