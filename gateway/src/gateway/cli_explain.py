"""``gateway explain METHOD PATH``: the decision of the data plane, made by the data plane's own code."""

from gateway.cache.told import cached
from gateway.data.canonical_path import check_canonical, split_target
from gateway.problem import Refusal
from gateway.routes.hedging import explain_hedging
from gateway.routes.match import match
from gateway.routes.model import RoutesModel
from gateway.routes.retries import explain_retries
from gateway.routes.table import RouteTable
from gateway.upstream.explained import explained


def explain(model: RoutesModel, method: str, target: str, accept: str | None) -> int:
    """Print it; 1 when the request would be refused."""
    try:
        path, query, _ = split_target(target.encode())
        check_canonical(path)
        found = match(RouteTable(model), method.encode(), path, query, accept.encode() if accept else None)
    except Refusal as refusal:
        print(f"{method} {target} -> {refusal.status} {refusal.code}: {refusal.detail}")
        for name, value in refusal.headers:
            print(f"  {name.decode()}: {value.decode()}")
        return 1
    route = found.route
    upstream = model.upstreams[found.upstream]
    query_text = f"?{found.query.decode()}" if found.query else ""
    print(f"{method} {target} -> {upstream.places[0].url}{found.path.decode()}{query_text}")
    print(f"  route      {route.name}" + (f", version {route.version}" if route.version else ""))
    print(explained(found.upstream, upstream, route))
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
