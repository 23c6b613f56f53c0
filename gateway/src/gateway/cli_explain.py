"""``gateway explain METHOD PATH``: the decision of the data plane, made by the data plane's own code."""

import time
from collections.abc import Sequence
from dataclasses import replace

from gateway.cache.told import cached
from gateway.data.canonical_path import check_canonical, split_target
from gateway.data.request_head import RequestHead
from gateway.identity.principal import Principal
from gateway.problem import Refusal
from gateway.routes.explained import Asked, admission, routing
from gateway.routes.hedging import explain_hedging
from gateway.routes.match import Match, match
from gateway.routes.model import RoutesModel
from gateway.routes.retries import explain_retries
from gateway.routes.table import Route, RouteTable
from gateway.upstream.explained import explained


def explain(  # noqa: PLR0917 - the words of the command line
    model: RoutesModel,
    method: str,
    target: str,
    accept: str | None = None,
    headers: Sequence[str] = (),
    address: str = "127.0.0.1",
    user: str | None = None,
) -> int:
    """Print it; 1 when the request would be refused. ``user`` is the subject of a token, for splits by client."""
    table = RouteTable(model)
    try:
        asked = _asked(method, target, headers if accept is None else (*headers, f"Accept: {accept}"), address, user)
        found = _found(table, asked)
    except Refusal as refusal:
        print(f"{method} {target} -> {refusal.status} {refusal.code}: {refusal.detail}".rstrip(": "))
        for name, value in refusal.headers:
            print(f"  {name.decode()}: {value.decode()}")
        return 1
    route = found.route
    lines = list(routing(table, found, asked))
    upstream = model.upstreams[found.upstream]
    query_text = f"?{found.query.decode()}" if found.query else ""
    print(f"{method} {target} -> {upstream.places[0].url}{found.path.decode()}{query_text}")
    for line in (*lines, *admission(table, found, asked)):
        print(f"  {line}")
    print(explained(found.upstream, upstream, route))
    _print_who(model, route)
    times = route.timeouts
    total = "none (stream)" if route.stream else f"{times.total:g}s"
    print(f"  deadlines  first byte {times.first_byte:g}s, idle {times.idle:g}s, total {total}")
    for line in (*explain_retries(route.retries), *explain_hedging(route.hedging)):
        print(f"  {line}")
    print(f"  body       at most {route.max_body} bytes")
    if route.origins is not None:
        others = b" ".join(sorted(route.origins)).decode()
        print(f"  websocket  taken, of pages of the same host{' and of ' + others if others else ''}")
    if route.cache is not None:
        print(f"  cache      {cached(route.cache)}")
    if route.sunset is not None:
        print(f"  deprecated since {route.sunset.deprecation.decode()}, sunset {route.sunset.sunset.decode()}")
    return 0


def _print_who(model: RoutesModel, route: Route) -> None:
    """Identity, and how much of it each has."""
    print(f"  identity   {route.identity}" + (f", scopes {' '.join(sorted(route.scopes))}" if route.scopes else ""))
    for name in route.limits:
        policy = model.limits[name]
        tiers = {"anonymous": policy.anonymous, **policy.tiers}
        figures = ", ".join(f"{tier} {quota.quota}/{quota.window:g}s" for tier, quota in tiers.items())
        more = "".join(f", {word} {n}" for word, n in (("burst", policy.burst), ("queue", policy.queue)) if n)
        print(f"  limit      {name} ({policy.algorithm}{more}) by {' and '.join(policy.by)}: {figures}")
        for tier, part in policy.overloaded.items():
            print(f"             {tier} shrinks to {part:.0%} under full overload")
    if route.limits:
        print(f"  a request  costs {route.cost} of each; Redis down: {route.redis_down}")


def _asked(method: str, target: str, lines: Sequence[str], address: str, user: str | None) -> Asked:
    """The request that the words of a command line mean. Raises Refusal as the data plane would."""
    headers = [(b"host", b"localhost")]
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise Refusal(400, "bad_request", f"{line!r} is no header: write Name: value.")
        pair = (name.strip().lower().encode(), value.strip().encode("latin-1"))
        headers = [pair, *headers[1:]] if pair[0] == b"host" else [*headers, pair]
    head = RequestHead(headers, http11=True, keep_alive=True)
    head.check()
    path, query, authority = split_target(target.encode())
    if authority is not None:
        head.host = authority
    # Only its name counts here: for whom a split draws.
    principal = Principal(user, "user", "", frozenset(), 0.0) if user else None
    return Asked(method.upper().encode(), path, query, head, address, principal)


def _found(table: RouteTable, asked: Asked) -> Match:
    """As Exchange decides."""
    check_canonical(asked.path, slash=table.slashes)
    refusal = table.admission.refusal(asked.head.host, asked.address) if table.admission is not None else None
    if refusal is not None:
        raise refusal
    head = asked.head
    accept = head.fields.get(b"accept")
    found = match(table, asked.method, asked.path, asked.query, accept, head.host, head.headers)
    route = found.route
    refusal = route.admission.refusal(asked.address) if route.admission is not None else None
    if refusal is None and route.sunset is not None and time.time() >= route.sunset.ends:
        refusal = Refusal(410, "version_gone", "This version was taken out of service.")
    if refusal is None and route.redirect is not None:
        refusal = route.redirect.refusal(found)
    if refusal is not None:
        raise refusal
    if route.rewrite is not None:
        found = replace(found, path=route.rewrite.path(found))
    return found if route.split is None else replace(found, upstream=route.split.upstream_of(asked)[0])
