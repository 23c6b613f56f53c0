"""The tree of routes against a matcher that looks at every route in turn, over made-up files and requests."""

from __future__ import annotations

import re
from itertools import starmap

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.problem import Refusal
from gateway.routes.match import match
from gateway.routes.model import RouteModel, RoutesModel
from gateway.routes.references import wrong_references
from gateway.routes.table import RouteTable

_WORDS = ("a", "b", "v1")
_METHODS = ("GET", "HEAD", "POST", "*")
_HOSTS = ("x.y.z", "*.y.z", "*.z", "q")
_NAMES = ("h", "k")


def _path(parts: list[str], rest: bool) -> str:  # noqa: FBT001
    named = [f"{{p{'abcdef'[i]}}}" if part == "{}" else part for i, part in enumerate(parts)]
    return "/" + "/".join([*named, "{rest*}"] if rest else named)


_paths = st.builds(_path, st.lists(st.sampled_from([*_WORDS, "{}"]), max_size=3), st.booleans())
_wanted = st.dictionaries(st.sampled_from(_NAMES), st.sampled_from(["1", "2", True, False]), max_size=2)
_whens = st.none() | st.builds(lambda h, q: {"headers": h, "query": q} if h or q else None, _wanted, _wanted)
_routes = st.lists(
    st.fixed_dictionaries(
        {
            "path": _paths,
            "methods": st.lists(st.sampled_from(_METHODS), min_size=1, max_size=2, unique=True),
            "hosts": st.lists(st.sampled_from(_HOSTS), max_size=2, unique=True),
            "when": _whens,
        }
    ),
    min_size=1,
    max_size=8,
)
_given = st.lists(
    st.tuples(st.sampled_from(_NAMES), st.sampled_from(["1", "2", "3"])), max_size=2, unique_by=lambda p: p[0]
)
_requests = st.tuples(
    st.sampled_from(("GET", "HEAD", "POST", "PUT", "OPTIONS", "TRACE")),
    st.lists(st.sampled_from([*_WORDS, "c"]), max_size=4).map(lambda parts: "/" + "/".join(parts)),
    st.sampled_from(("x.y.z", "w.y.z", "w.z", "q", "")),
    _given,
    _given,
)


def _place(route: RouteModel, path: str, host: str) -> tuple[int, tuple[int, ...]] | None:
    """How specific the route's host and path are for the request, None where they do not fit."""
    fitting = [h for h in route.hosts if h == host or (h[0] == "*" and host.endswith(h[1:]))]
    if route.hosts and not fitting:
        return None
    parts = route.path.split("/")[1:]
    pattern = "/".join(r"(.*)" if p.endswith("*}") else r"([^/]+)" if p[:1] == "{" else re.escape(p) for p in parts)
    if re.fullmatch("/" + pattern, path) is None:
        return None
    kinds = tuple(0 if p.endswith("*}") else 1 if p[:1] == "{" else 2 for p in parts)
    return max((1000 if h[0] != "*" else len(h) for h in fitting), default=0), kinds


def _holds(route: RouteModel, headers: dict[str, str], query: dict[str, str]) -> bool:
    def one(wanted: dict[str, bool | str], there: dict[str, str]) -> bool:
        return all((n in there) is v if isinstance(v, bool) else there.get(n) == v for n, v in wanted.items())

    return route.when is None or (one(route.when.headers, headers) and one(route.when.query, query))


def _linear(model: RoutesModel, method: str, path: str, host: str, headers: dict[str, str], query: dict[str, str]):  # noqa: PLR0917
    """The name of the route, or the status it ends with."""
    places = [(place, r) for r in model.routes if (place := _place(r, path, host)) and _holds(r, headers, query)]
    if not places:
        return 404
    best = max(place for place, _ in places)
    here = [route for place, route in places if place == best]
    for name in (method, "GET") if method == "HEAD" else (method,):
        taking = [route for route in here if name in route.methods]
        if taking:
            break
    else:
        taking = [route for route in here if "*" in route.methods and method != "TRACE"]
    if not taking:
        return 204 if method == "OPTIONS" else 405
    return max(taking, key=lambda r: (len(r.when.headers) + len(r.when.query)) if r.when else 0).name


@settings(max_examples=400, deadline=None)
@given(_routes, st.lists(_requests, min_size=1, max_size=12))
def test_the_tree_finds_what_a_search_through_all_routes_finds(
    rows: list[dict[str, object]], requests: list[tuple[str, str, str, list[tuple[str, str]], list[tuple[str, str]]]]
):
    kept: list[dict[str, object]] = []
    for number, row in enumerate(rows):
        candidate = [*kept, {**row, "name": f"r{number}", "upstream": "a", "limits": [], "identity": "ignored"}]
        if not wrong_references(_model(candidate)):
            kept = candidate
    model = _model(kept)
    table = RouteTable(model)
    for method, path, host, headers, query in requests:
        expected = _linear(model, method, path, host, dict(headers), dict(query))
        lines = [(name.encode(), value.encode()) for name, value in headers]
        text = b"&".join(starmap(lambda name, value: f"{name}={value}".encode(), query))
        found: object
        try:
            found = match(table, method.encode(), path.encode(), text, None, host.encode(), lines).route.name
        except Refusal as refusal:
            found = refusal.status
        assert found == expected, (method, path, host, headers, query)


def _model(routes: list[dict[str, object]]) -> RoutesModel:
    return RoutesModel.model_validate({"upstreams": {"a": {"url": "http://127.0.0.1:1"}}, "routes": routes})
