"""The compiled routes: all that the file says of a route, worked out once, and the trees they stand in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from email.utils import format_datetime
from typing import TYPE_CHECKING

from gateway.admission.admission import compile_whole
from gateway.admission.cors import CORS_HEADERS
from gateway.admission.of_route import RouteAdmission, compile_admission
from gateway.data.mirror import MirrorPolicy, compile_mirror
from gateway.routes.changes import changes
from gateway.routes.conditions import compile_conditions
from gateway.routes.hedging import HedgeDelay
from gateway.routes.hosts import host_name, patterns_of
from gateway.routes.model import PRIORITIES
from gateway.routes.retries import RetryPolicy
from gateway.routes.rewriting import (
    HeaderRules,
    Redirect,
    Rewrite,
    compile_headers,
    compile_redirect,
    compile_request_headers,
    compile_rewrite,
)
from gateway.routes.split import Split, compile_split
from gateway.routes.template import Template, names_in
from gateway.routes.time_left import time_left
from gateway.routes.tree import Choice, Node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.routes.changes import Changed
    from gateway.routes.match import Match
    from gateway.routes.model import CacheModel, Deprecation, LimitPolicy, RouteModel, RoutesModel, Timeouts

_SUNSET = frozenset({b"deprecation", b"sunset"})


@dataclass(frozen=True, slots=True)
class Sunset:
    """Header values of a deprecated version, made once."""

    deprecation: bytes
    sunset: bytes
    ends: float
    successor: Template

    def link(self, parameters: list[bytes]) -> bytes:
        """``Link`` to the successor of this very resource (RFC 8288)."""
        return b'<%b>; rel="successor-version"' % self.successor.fill(parameters, b"")


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
    # The same with what they say: a request keeps the limits of the file it began with.
    policies: tuple[tuple[str, LimitPolicy], ...]
    cost: int
    redis_down: str
    max_body: int
    stream: bool
    max_streams: int
    # The place of its priority in PRIORITIES.
    rank: int
    timeouts: Timeouts
    # ``timeouts.first_byte`` as the service is told of it.
    patience: bytes
    retries: RetryPolicy
    hedging: HedgeDelay | None
    sunset: Sunset | None
    # Whose pages may open a WebSocket; None where the route takes none.
    origins: frozenset[bytes] | None
    default_version: int | None
    cache: CacheModel | None
    # What of others' kept answers a change here puts out of date; None where nothing is kept.
    changes: tuple[Changed, ...] | None
    # None where the route has none of it.
    admission: RouteAdmission | None
    split: Split | None
    mirror: MirrorPolicy | None
    rewrite: Rewrite | None
    redirect: Redirect | None
    request_headers: HeaderRules | None
    # Headers of the service's answer that do not pass, and the lines that are put in.
    replaced: frozenset[bytes]
    answer_lines: bytes


class Tree:
    """The routes of one host, or of any: those with versions below the prefix, and those without."""

    def __init__(self) -> None:
        self.plain = Node()
        self.versioned = Node()

    def nodes(self) -> Iterator[Node]:
        """All places of both."""
        yield from self.plain.nodes()
        yield from self.versioned.nodes()


class RouteTable:
    """All routes of one file; a reload makes a new table and swaps it in."""

    def __init__(self, model: RoutesModel) -> None:
        self.model = model
        # The compiled routes of each that the file has, one a version.
        self.routes: list[Route] = []
        self.compiled: list[tuple[RouteModel, list[Route]]] = []
        self.versions: set[int] = set()
        # Empty where no route has versions: then no path is read as one with a version.
        self.prefix = model.api_prefix.encode() if any(route.versions for route in model.routes) else b""
        self.below_prefix = self.prefix + b"/"
        # The index of the first segment below the prefix.
        self.depth = self.prefix.count(b"/") + 1
        # Whether anything but the request line and Accept decides; what was found where nothing does.
        self.conditional = False
        self.known: dict[tuple[bytes, bytes, bytes, bytes | None], Match] = {}
        self.any_host = Tree()
        self.by_host: dict[bytes, Tree] = {}
        for route in model.routes:
            self._add(route)
        self.version_words = {b"v%d" % version: version for version in self.versions}
        for tree in (self.any_host, *self.by_host.values()):
            tree.plain.settle()
            tree.versioned.settle()
        # Whether a path may end in a slash: only where a route takes the rest of one.
        self.slashes = any(route.path.endswith("*}") for route in model.routes)
        # Whether any token is ever looked at: else no issuer's keys are needed.
        self.identifies = any(route.identity != "ignored" for route in model.routes)
        self.admission = compile_whole(model)
        self.exact: dict[bytes, dict[bytes, Route]] = {} if self.by_host else self._exact()

    def _add(self, model: RouteModel) -> None:
        conditions = compile_conditions(model.when)
        segments = model.path.split("/")[self.depth if model.versions else 1 :]
        trees = [self.by_host.setdefault(host.lower().encode(), Tree()) for host in model.hosts] or [self.any_host]
        self.conditional = self.conditional or bool(model.hosts) or len(conditions) > 0
        self.versions.update(model.versions)
        routes: list[Route] = []
        self.compiled.append((model, routes))
        for version in model.versions or (None,):
            route = _compile(model, version, self.model)
            routes.append(route)
            self.routes.append(route)
            for tree in trees:
                node = (tree.plain if version is None else tree.versioned).place(segments)
                node.choices += [Choice(conditions, method.encode(), version, route) for method in model.methods]

    def _exact(self) -> dict[bytes, dict[bytes, Route]]:
        """Paths without parameters, as they are requested: words beat all else, so no walk is needed for them."""
        found: dict[bytes, dict[bytes, Route]] = {}
        for path, node in _words(self.any_host.plain, b""):
            # The prefix belongs to the routes with versions.
            if not self.prefix or not path.startswith(self.below_prefix):
                found[path] = {method: routes[None] for method, routes in node.methods.items()}
        for path, node in _words(self.any_host.versioned, b""):
            for version in self.versions:
                methods = {m: routes[version] for m, routes in node.methods.items() if version in routes}
                found[b"%b/v%d%b" % (self.prefix, version, path)] = methods
        return found

    def trees(self, host: bytes) -> Iterator[Tree]:
        """The trees in which a host's routes stand, the most specific first."""
        if self.by_host:
            for pattern in patterns_of(host_name(host)):
                tree = self.by_host.get(pattern)
                if tree is not None:
                    yield tree
        yield self.any_host


def _words(node: Node, path: bytes) -> Iterator[tuple[bytes, Node]]:
    if node.choices and not node.conditional:
        yield path, node
    for word, child in node.children.items():
        yield from _words(child, path + b"/" + word)


def _compile(model: RouteModel, version: int | None, file: RoutesModel) -> Route:
    limits = file.limits
    answer_headers = compile_headers(model.response_headers, {})
    return Route(
        name=model.name or model.path,
        upstream=file.resolved(model.upstream),
        version=version,
        version_bytes=b"" if version is None else str(version).encode(),
        identity=model.identity,
        scopes=frozenset(model.scopes),
        limits=model.limits,
        policies=tuple((name, limits[name]) for name in model.limits),
        cost=model.cost,
        redis_down=model.redis_down,
        max_body=model.max_body,
        stream=model.stream,
        max_streams=model.max_streams,
        rank=PRIORITIES.index(model.priority),
        timeouts=model.timeouts,
        origins=frozenset(origin.encode() for origin in model.websocket_origins) if model.websocket else None,
        sunset=next((_sunset(one, model) for one in model.deprecated if one.version == version), None),
        default_version=model.default_version,
        patience=time_left(model.timeouts.first_byte),
        retries=RetryPolicy.of(model.retries),
        hedging=HedgeDelay(model.hedging) if model.hedging is not None else None,
        cache=model.cache,
        changes=changes(file, model),
        admission=compile_admission(model),
        split=compile_split(model, file),
        mirror=compile_mirror(model, file),
        rewrite=compile_rewrite(model),
        redirect=compile_redirect(model),
        request_headers=compile_request_headers(model),
        replaced=_replaced(model, version),
        answer_lines=answer_headers.lines if answer_headers is not None else b"",
    )


def _replaced(model: RouteModel, version: int | None) -> frozenset[bytes]:
    # The routes file knows when a version ends; a service's own word beside it could only contradict.
    ends = any(one.version == version for one in model.deprecated)
    headers = compile_headers(model.response_headers, {})
    return frozenset().union(
        _SUNSET if ends else (), CORS_HEADERS if model.cors is not None else (), headers.gone if headers else ()
    )


def _sunset(model: Deprecation, route: RouteModel) -> Sunset:
    return Sunset(
        deprecation=f"@{int(model.since.timestamp())}".encode(),
        sunset=format_datetime(model.sunset.astimezone(UTC), usegmt=True).encode(),
        ends=model.sunset.timestamp(),
        successor=Template(model.successor, names_in(route.path)),
    )
