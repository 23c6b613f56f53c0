"""The gateway's own paths; every other path belongs to the data plane."""

from collections.abc import Iterable

_OF = {
    "page": (b"/", b"/favicon.ico"),
    "docs": (b"/docs", b"/openapi.json"),
    "health": (b"/health/live", b"/health/ready"),
    "metrics": (b"/metrics",),
}
_ASSETS = b"/docs/assets/"


class OwnPaths:
    """Those of the parts that the routes file leaves to the gateway."""

    def __init__(self, parts: Iterable[str]) -> None:
        self._paths = frozenset(path for part in parts for path in _OF[part])
        self._assets = _ASSETS if b"/docs" in self._paths or b"/" in self._paths else None

    def __contains__(self, path: bytes) -> bool:
        """Whether the control plane answers the (canonical) path."""
        return path in self._paths or (self._assets is not None and path.startswith(self._assets))
