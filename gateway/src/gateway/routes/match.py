"""Which route and version serves a request: version by path, by Accept, by query, else the route's default."""

import re
from dataclasses import dataclass

from gateway.problem import Refusal
from gateway.routes.table import Node, Route, RouteTable

_VERSION = re.compile(rb"[1-9][0-9]{0,3}")
_MEDIA_TYPE = b"application/vnd.api+json"
_PATH_VERSION = re.compile(rb"/v([0-9]{1,4})(/.*)\Z")


@dataclass(slots=True)
class Match:
    """The route and the target to forward; ``by_accept`` when Accept chose, so that caches must vary by it."""

    route: Route
    parameters: list[bytes]
    path: bytes
    query: bytes
    by_accept: bool = False
    # The upstream of this request: the route's, unless a split chose another.
    upstream: str = ""

    def __post_init__(self) -> None:
        """A match starts with the route's upstream."""
        if not self.upstream:
            self.upstream = self.route.upstream


def match(table: RouteTable, method: bytes, path: bytes, query: bytes, accept: bytes | None) -> Match:
    """The route of a canonical path. Raises Refusal 404, 405, 406 or 400."""
    lookup = b"GET" if method == b"HEAD" else method
    prefix = table.prefix
    if not path.startswith(prefix + b"/"):
        node, parameters = _found(table, path)
        return Match(_plain(node, lookup), parameters, path, query)
    rest = path[len(prefix) :]
    by_path = _PATH_VERSION.match(rest)
    if by_path is not None:
        version = int(by_path[1])
        if version not in table.versions or by_path[1] != str(version).encode():
            raise Refusal(404, "version_not_found", "There is no such version.")
        node, parameters = _found(table, prefix + by_path[2])
        return Match(_versioned(node, lookup, version), parameters, path, query)
    node, parameters = _found(table, path)
    _allowed(node, lookup, None)
    version, query, by_accept = _asked_version(node, lookup, query, accept)
    target = b"%b/v%d%b" % (prefix, version, rest)
    return Match(_versioned(node, lookup, version), parameters, target, query, by_accept)


def _found(table: RouteTable, path: bytes) -> tuple[Node, list[bytes]]:
    found = table.find(path)
    if found is None:
        raise Refusal(404, "route_not_found", "No such path.")
    return found


def allow(node: Node, version: int | None) -> bytes:
    """The value of ``Allow`` (RFC 9110 section 10.2.1)."""
    methods = {m for m, by_version in node.methods.items() if version is None or version in by_version}
    if b"GET" in methods:
        methods.add(b"HEAD")
    methods.add(b"OPTIONS")
    return b", ".join(sorted(methods))


def _allowed(node: Node, method: bytes, version: int | None) -> None:
    if method not in node.methods:
        names = (b"allow", allow(node, version))
        if method == b"OPTIONS":
            raise Refusal(204, "options", "", headers=(names,))
        raise Refusal(405, "method_not_allowed", "The path does not take this method.", headers=(names,))


def _plain(node: Node, method: bytes) -> Route:
    _allowed(node, method, None)
    return node.methods[method][None]


def _versioned(node: Node, method: bytes, version: int) -> Route:
    if not any(version in by_version for by_version in node.methods.values()):
        raise Refusal(404, "version_not_found", "The path does not exist in this version.")
    by_version = node.methods.get(method, {})
    if version not in by_version:
        names = (b"allow", allow(node, version))
        if method == b"OPTIONS":
            raise Refusal(204, "options", "", headers=(names,))
        raise Refusal(405, "method_not_allowed", "The path does not take this method.", headers=(names,))
    return by_version[version]


def _asked_version(node: Node, method: bytes, query: bytes, accept: bytes | None) -> tuple[int, bytes, bool]:
    by_query, rest = _version_in_query(query)
    by_accept = _version_in_accept(accept)
    known = node.methods[method]
    in_query, in_accept = _number(by_query), _number(by_accept)
    if by_query is not None and in_query not in known:
        raise Refusal(400, "version_unknown", "The version in the query does not exist.")
    if by_accept is not None and in_accept not in known:
        raise Refusal(406, "version_not_acceptable", "The version in Accept does not exist.")
    if in_query is not None and in_accept is not None and in_query != in_accept:
        raise Refusal(400, "version_ambiguous", "Accept and the query name different versions.")
    version = in_query or in_accept or node.default_version[method]
    return version, rest, by_query is None


def _number(text: bytes | None) -> int | None:
    # As a version is written: int() would also take 02 and, from its 4,300th digit on, raise.
    return int(text) if text is not None and _VERSION.fullmatch(text) else None


def _version_in_query(query: bytes) -> tuple[bytes | None, bytes]:
    if b"version" not in query:
        return None, query
    version: bytes | None = None
    kept: list[bytes] = []
    for pair in query.split(b"&"):
        name, _, value = pair.partition(b"=")
        if name != b"version":
            kept.append(pair)
        elif version is None:
            version = value
        elif version != value:
            raise Refusal(400, "version_ambiguous", "The query names two versions.")
    return version, b"&".join(kept)


def _version_in_accept(accept: bytes | None) -> bytes | None:
    if accept is None or _MEDIA_TYPE not in accept.lower():
        return None
    for media_range in accept.lower().split(b","):
        kind, *parameters = (part.strip() for part in media_range.split(b";"))
        if kind != _MEDIA_TYPE:
            continue
        for parameter in parameters:
            name, _, value = parameter.partition(b"=")
            if name.strip() == b"version":
                return value.strip().strip(b'"')
    return None
