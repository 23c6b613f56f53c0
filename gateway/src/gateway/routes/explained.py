"""What ``gateway explain`` says of the routing of a request: why this route, and what else there is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.routes.conditions import Conditions
from gateway.routes.hosts import host_name
from gateway.routes.tree import walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.data.request_head import RequestHead
    from gateway.identity.principal import Principal
    from gateway.routes.conditions import Wanted
    from gateway.routes.match import Match
    from gateway.routes.model import RouteModel
    from gateway.routes.table import RouteTable


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as ``explain`` was told of it; ``path`` and ``query`` as they were sent."""

    method: bytes
    path: bytes
    query: bytes
    head: RequestHead
    address: str
    principal: Principal | None


def routing(table: RouteTable, found: Match, asked: Asked) -> Iterator[str]:
    """Lines, each with the name of what it is about first."""
    model = next(model for model, routes in table.compiled if found.route in routes)
    version = f", version {found.route.version} ({_version_by(table, found, asked)})" if found.route.version else ""
    yield f"route      {found.route.name}{version}"
    hosts = f"host {' or '.join(model.hosts)}" if model.hosts else "any host"
    yield f"because    of {hosts}, path {model.path}, method {' or '.join(model.methods)}"
    for condition in _conditions(found, table):
        yield f"           and {condition}"
    yield from _others(table, found, asked)
    yield from _chosen(found, model, asked)


def _version_by(table: RouteTable, found: Match, asked: Asked) -> str:
    if found.path == asked.path or found.route.rewrite is not None:
        below = asked.path.removeprefix(table.below_prefix).partition(b"/")[0]
        if below in table.version_words:
            return "by path"
    if found.query != asked.query:
        return "by the query"
    if b"application/vnd.api+json" in asked.head.fields.get(b"accept", b"").lower():
        return "by Accept"
    return "the default"


def _conditions(found: Match, table: RouteTable) -> Iterator[str]:
    for tree in (table.any_host, *table.by_host.values()):
        for node in tree.nodes():
            for choice in node.choices:
                if choice.route is found.route:
                    yield from _told(choice.conditions)
                    return


def _told(conditions: Conditions) -> Iterator[str]:
    for kind, wanted in (("header", conditions.headers), ("query", conditions.query)):
        yield from (f"{kind} {text}" for text in _wanted(wanted))


def _wanted(wanted: Wanted) -> Iterator[str]:
    for name, value in wanted:
        text = name.decode()
        if isinstance(value, bytes):
            yield f"{text} = {value.decode('latin-1')}"
        else:
            yield f"{text} is {'there' if value else 'absent'}"


def _others(table: RouteTable, found: Match, asked: Asked) -> Iterator[str]:
    """The routes that would have served it, were the one that does not there; the best first."""
    segments = asked.path.split(b"/")
    versioned = found.route.version is not None
    start = 1
    if versioned:
        start = table.depth + (segments[table.depth] in table.version_words and len(segments) > table.depth + 1)
    told: set[str] = {found.route.name}
    for tree in table.trees(asked.head.host):
        for node, _ in walk(tree.versioned if versioned else tree.plain, segments, start, []):
            for choice in reversed(node.choices):
                route = choice.route
                if route.name in told or route.version != found.route.version:
                    continue
                told.add(route.name)
                unmet = (
                    [] if choice.conditions.hold(asked.head.headers, asked.query) else list(_told(choice.conditions))
                )
                if unmet:
                    yield f"not        {route.name}: asks that {' and '.join(unmet)}"
                elif asked.method in node.methods and choice.method not in (asked.method, b"*"):
                    yield f"not        {route.name}: takes {choice.method.decode()}"
                else:
                    yield f"otherwise  {route.name}, which is less specific"


def _chosen(found: Match, model: RouteModel, asked: Asked) -> Iterator[str]:
    route = found.route
    if route.split is not None:
        upstream, why = route.split.upstream_of(asked)
        arms = ", ".join(f"{split.upstream} {split.weight:g} %" for split in model.split)
        reason = {"condition": "its condition holds", "weight": "the hash of the client", "rest": "none of the splits"}
        yield f"split      {arms} by {model.sticky}: {upstream} ({reason[why]})"
    elif route.upstream != model.upstream:
        yield f"switch     {model.upstream} stands for {route.upstream}"
    if model.mirror is not None:
        methods = "all methods" if model.mirror.unsafe else "safe methods"
        yield f"mirror     {model.mirror.share:.0%} of {methods} to {model.mirror.upstream}"
    for word, rules in (("request", model.request_headers), ("answer", model.response_headers)):
        if rules is not None:
            changes = [f"{name} = {value}" for name, value in rules.set.items()] + [f"no {n}" for n in rules.remove]
            yield f"headers    of the {word}: {', '.join(changes)}"


def admission(table: RouteTable, found: Match, asked: Asked) -> Iterator[str]:
    """Who is let in, and from where."""
    whole, model = table.model.admission, next(m for m, routes in table.compiled if found.route in routes)
    if whole.hosts:
        yield f"hosts      {', '.join(whole.hosts)}; this one is {host_name(asked.head.host).decode()}"
    for name, lists in (("everywhere", whole), ("here", model)):
        if lists.allow or lists.deny:
            allowed = ", ".join(lists.allow) or "all"
            yield f"addresses  {name}: {allowed}{' but not ' + ', '.join(lists.deny) if lists.deny else ''}"
    if model.cors is not None and model.cors.origins:
        yield f"cors       {', '.join(model.cors.origins)}{' with cookies' if model.cors.credentials else ''}"
