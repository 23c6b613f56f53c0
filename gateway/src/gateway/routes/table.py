"""The compiled routes: a tree of path segments, so that a look-up costs the depth of the path and no more."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC
from email.utils import format_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.routes.model import Deprecation, RouteModel, RoutesModel, Timeouts


@dataclass(frozen=True, slots=True)
class Sunset:
    """Header values of a deprecated version, made once."""

    deprecation: bytes
    sunset: bytes
    ends: float
    successor: tuple[str, ...]

    def link(self, parameters: list[bytes]) -> bytes:
        """``Link`` to the successor of this very resource (RFC 8288)."""
        parts = list(self.successor)
        path = parts[0] + "".join(
            value.decode("ascii") + rest for value, rest in zip(parameters, parts[1:], strict=False)
        )
        return f'<{path}>; rel="successor-version"'.encode()


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """One path and version, as the hot path wants it: bytes, and nothing left to work out."""

    name: str
    upstream: str
    version: int | None
    version_bytes: bytes
    identity: str
    scopes: frozenset[str]
    limits: tuple[str, ...]
    redis_down: str
    max_body: int
    stream: bool
    max_streams: int
    timeouts: Timeouts
    sunset: Sunset | None
    # Whose pages may open a WebSocket; None where the route takes none.
    origins: frozenset[bytes] | None


@dataclass(slots=True)
class Node:
    """One segment of the tree."""

    children: dict[bytes, Node] = field(default_factory=dict[bytes, "Node"])
    parameter: Node | None = None
    # By method, then by version (None for a path without versions).
    methods: dict[bytes, dict[int | None, Route]] = field(default_factory=dict[bytes, dict[int | None, Route]])
    default_version: dict[bytes, int] = field(default_factory=dict[bytes, int])


class RouteTable:
    """All routes of one file; a reload makes a new table and swaps it in."""

    def __init__(self, model: RoutesModel) -> None:
        self.model = model
        self.prefix = model.api_prefix.encode()
        self.root = Node()
        self.versions: set[int] = set()
        for route in model.routes:
            self._add(route)

    def _add(self, model: RouteModel) -> None:
        node = self.root
        for segment in model.path.encode().split(b"/")[1:]:
            if segment.startswith(b"{"):
                node.parameter = node.parameter or Node()
                node = node.parameter
            else:
                node = node.children.setdefault(segment, Node())
        self.versions.update(model.versions)
        for version in model.versions or (None,):
            route = _compile(model, version)
            for method in model.methods:
                node.methods.setdefault(method.encode(), {})[version] = route
                if version is not None:
                    default = model.default_version or min(model.versions)
                    node.default_version[method.encode()] = default

    def find(self, path: bytes) -> tuple[Node, list[bytes]] | None:
        """The node of an unversioned path with the values of its parameters; words win over parameters."""
        return _walk(self.root, path.split(b"/"), 1, [])


def _walk(node: Node, segments: list[bytes], index: int, parameters: list[bytes]) -> tuple[Node, list[bytes]] | None:
    if index == len(segments):
        return (node, parameters) if node.methods else None
    segment = segments[index]
    child = node.children.get(segment)
    if child is not None:
        found = _walk(child, segments, index + 1, parameters)
        if found is not None:
            return found
    if node.parameter is not None and segment:
        return _walk(node.parameter, segments, index + 1, [*parameters, segment])
    return None


def _compile(model: RouteModel, version: int | None) -> Route:
    deprecated = model.deprecated
    return Route(
        name=model.path,
        upstream=model.upstream,
        version=version,
        version_bytes=b"" if version is None else str(version).encode(),
        identity=model.identity,
        scopes=frozenset(model.scopes),
        limits=model.limits,
        redis_down=model.redis_down,
        max_body=model.max_body,
        stream=model.stream,
        max_streams=model.max_streams,
        timeouts=model.timeouts,
        sunset=_sunset(deprecated) if deprecated and deprecated.version == version else None,
        origins=frozenset(origin.encode() for origin in model.websocket_origins) if model.websocket else None,
    )


def _sunset(model: Deprecation) -> Sunset:
    return Sunset(
        deprecation=f"@{int(model.since.timestamp())}".encode(),
        sunset=format_datetime(model.sunset.astimezone(UTC), usegmt=True).encode(),
        ends=model.sunset.timestamp(),
        successor=_pieces(model.successor),
    )


def _pieces(template: str) -> tuple[str, ...]:
    """``/a/{id}/b`` as ``("/a/", "/b")``."""
    pieces = [""]
    for part in template.split("/")[1:]:
        if part.startswith("{"):
            pieces[-1] += "/"
            pieces.append("")
        else:
            pieces[-1] += f"/{part}"
    return tuple(pieces)
