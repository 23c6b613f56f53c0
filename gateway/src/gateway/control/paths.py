"""The gateway's own paths; every other path belongs to the data plane."""

from collections.abc import Iterable

_OF = {
    "page": (b"/", b"/favicon.ico"),
    "console": (b"/console", b"/console/events", b"/console/traces"),
    "docs": (b"/docs", b"/openapi.json"),
    "health": (b"/health/live", b"/health/ready"),
    "metrics": (b"/metrics",),
}
# By a path of the part, what is below these prefixes as well.
_BELOW = {
    b"/docs": (b"/docs/assets/",),
    b"/": (b"/console/assets/",),
    b"/console": (b"/console/assets/", b"/console/traces/"),
}


class OwnPaths:
    """Those of the parts that the routes file leaves to the gateway."""

    def __init__(self, parts: Iterable[str]) -> None:
        self._paths = frozenset(path for part in parts for path in _OF[part])
        self._below = tuple({prefix for path in self._paths for prefix in _BELOW.get(path, ())})

    def __contains__(self, path: bytes) -> bool:
        """Whether the control plane answers the (canonical) path."""
        return path in self._paths or path.startswith(self._below)
