"""Which route and version serves a request.

The path decides first, of the most specific host that has it (``a.example.com``, ``*.example.com``, any), among the
routes whose conditions hold: words beat parameters beat the rest. Then the method: one the path does not take is 405,
also where a wider path would take it. Then the version: by path, by Accept, by query, else the route's default. Last,
of several routes the one with the most conditions.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.problem import Refusal
from gateway.routes.table import Route, RouteTable
from gateway.routes.tree import ANY, Methods, first, walk

_VERSION = re.compile(rb"[1-9][0-9]{0,3}")
_MEDIA_TYPE = b"application/vnd.api+json"
_PATH_VERSION = re.compile(rb"v[0-9]{1,4}")
_COMMON = frozenset({b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"})
# Not even for a route that takes any: TRACE echoes a request (RFC 9110 section 9.3.8), CONNECT has no path.
_NEVER = frozenset({b"TRACE", b"CONNECT"})
_SHORT, _MAX_KNOWN = 512, 8192
_NONE: dict[int | None, Route] = {}

Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Match:
    """The route and the target to forward; ``by_accept`` when Accept chose, so that caches must vary by it.

    Never changed: where nothing but the request line and Accept decides, requests share it.
    """

    route: Route
    parameters: list[bytes]
    path: bytes
    query: bytes
    # The upstream of this request: the route's, unless a split chose another.
    upstream: str
    by_accept: bool = False
    # The request headers that conditions looked at, for Vary.
    varies: tuple[bytes, ...] = ()
    # Where the route rewrites ``path``: as it was before.
    public: bytes = b""


@dataclass(slots=True)
class _Found:
    """The place of a path: its routes by method and version."""

    methods: Methods
    parameters: list[bytes]
    varies: tuple[bytes, ...] = ()


def match(  # noqa: PLR0917 - the parts of a request
    table: RouteTable,
    method: bytes,
    path: bytes,
    query: bytes,
    accept: bytes | None,
    host: bytes = b"",
    headers: Headers = (),
) -> Match:
    """The route of a canonical path; header names in lower case. Raises Refusal 404, 405, 406 or 400."""
    if table.conditional:
        return _match(table, method, path, query, accept, host, headers)
    key = (method, path, query, accept)
    known = table.known.get(key)
    if known is None:
        known = _match(table, method, path, query, accept, host, headers)
        # The method too: a preflight may ask about one of any length.
        if len(method) + len(path) + len(query) + len(accept or b"") <= _SHORT:
            if len(table.known) >= _MAX_KNOWN:
                table.known.clear()
            table.known[key] = known
    return known


def _match(  # noqa: PLR0917
    table: RouteTable,
    method: bytes,
    path: bytes,
    query: bytes,
    accept: bytes | None,
    host: bytes,
    headers: Headers,
) -> Match:
    exact = table.exact.get(path)
    if exact is not None:
        route = exact.get(method)
        if route is not None:
            return Match(route, [], path, query, route.upstream)
    segments = path.split(b"/")
    if not table.prefix or not path.startswith(table.below_prefix):
        found = _place(table, segments, 1, host, query, headers)
        route = _plain(found, method)
        return Match(route, found.parameters, path, query, route.upstream, varies=found.varies)
    depth = table.depth
    word = segments[depth]
    version = table.version_words.get(word)
    if len(segments) > depth + 1 and (version is not None or _PATH_VERSION.fullmatch(word)):
        if version is None:
            raise Refusal(404, "version_not_found", "There is no such version.")
        found = _place(table, segments, depth + 1, host, query, headers)
        route = _versioned(found, method, version)
        return Match(route, found.parameters, path, query, route.upstream, varies=found.varies)
    found = _place(table, segments, depth, host, query, headers)
    known = _known(found, method, None)
    version, query, by_accept = _asked_version(known, query, accept)
    target = b"%b/v%d%b" % (table.prefix, version, path[len(table.prefix) :])
    route = known[version]
    return Match(route, found.parameters, target, query, route.upstream, by_accept, found.varies)


def _place(  # noqa: PLR0917
    table: RouteTable, segments: list[bytes], start: int, host: bytes, query: bytes, headers: Headers
) -> _Found:
    versioned = start > 1
    if not table.by_host:
        tree = table.any_host
        best = first(tree.versioned if versioned else tree.plain, segments, start, [])
        if best is None:
            raise _not_found(segments)
        if not best[0].conditional:
            return _Found(best[0].methods, best[1])
    varies: tuple[bytes, ...] = ()
    for tree in table.trees(host):
        for node, parameters in walk(tree.versioned if versioned else tree.plain, segments, start, []):
            varies += tuple(name for name in node.varies if name not in varies)
            methods = node.fitting(headers, query)
            if methods:
                return _Found(methods, parameters, varies)
    raise _not_found(segments, varies)


def _not_found(segments: list[bytes], varies: tuple[bytes, ...] = ()) -> Refusal:
    if not segments[-1] and len(segments) > 2:  # noqa: PLR2004 - all but the path "/"
        return Refusal(400, "bad_path", "The path is not in its canonical form.")
    headers = ((b"vary", b", ".join(varies)),) if varies else ()
    return Refusal(404, "route_not_found", "No such path.", headers=headers)


def allow(methods: Methods, version: int | None) -> bytes:
    """The value of ``Allow`` (RFC 9110 section 10.2.1)."""
    names = {m for m, by_version in methods.items() if version is None or version in by_version}
    names = names - {ANY} | _COMMON if ANY in names else names | {b"OPTIONS"}
    return b", ".join(sorted(names))


def _known(found: _Found, method: bytes, version: int | None) -> dict[int | None, Route]:
    """The routes of the method by version. Raises Refusal 405, or 204 for OPTIONS."""
    methods = found.methods
    known = methods.get(method) or (_NONE if method in _NEVER else methods.get(ANY, _NONE))
    if not known or (version is not None and version not in known):
        names = (b"allow", allow(methods, version))
        if method == b"OPTIONS":
            raise Refusal(204, "options", "", headers=(names,))
        raise Refusal(405, "method_not_allowed", "The path does not take this method.", headers=(names,))
    return known


def _plain(found: _Found, method: bytes) -> Route:
    return _known(found, method, None)[None]


def _versioned(found: _Found, method: bytes, version: int) -> Route:
    if not any(version in by_version for by_version in found.methods.values()):
        raise Refusal(404, "version_not_found", "The path does not exist in this version.")
    return _known(found, method, version)[version]


def _default(known: dict[int | None, Route]) -> int:
    stated = (route.default_version for route in known.values() if route.default_version is not None)
    return next(stated, None) or min(version for version in known if version is not None)


def _asked_version(known: dict[int | None, Route], query: bytes, accept: bytes | None) -> tuple[int, bytes, bool]:
    by_query, rest = _version_in_query(query)
    by_accept = _version_in_accept(accept)
    in_query, in_accept = _number(by_query), _number(by_accept)
    if by_query is not None and in_query not in known:
        raise Refusal(400, "version_unknown", "The version in the query does not exist.")
    if by_accept is not None and in_accept not in known:
        raise Refusal(406, "version_not_acceptable", "The version in Accept does not exist.")
    if in_query is not None and in_accept is not None and in_query != in_accept:
        raise Refusal(400, "version_ambiguous", "Accept and the query name different versions.")
    version = in_query or in_accept or _default(known)
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
