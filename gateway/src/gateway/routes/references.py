"""What one table of the routes file says about another: names that must exist, routes that must not clash."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from itertools import product

from gateway.data import answer_head, forwarded_head
from gateway.routes.changes import kept_versions
from gateway.routes.conditions import compile_conditions, exclude_each_other
from gateway.routes.model import RouteModel, RoutesModel

Location = tuple[int | str, ...]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The known name that is most like it, as a question; nothing where none is."""
    near = get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def wrong_references(model: RoutesModel) -> list[tuple[Location, str]]:
    """Each wrong reference as the location of its field and what is wrong with it."""
    return [
        *_names(model),
        *_versions(model),
        *_clashes(model),
        *_invalidates(model),
        *_headers(model),
        *_switches(model),
    ]


def _names(model: RoutesModel) -> Iterator[tuple[Location, str]]:
    if model.api_keys is not None and model.api_keys.upstream not in model.upstreams:
        yield ("api_keys", "upstream"), f"there is no upstream {model.api_keys.upstream!r}"
    for index, route in enumerate(model.routes):
        for location, name in named_upstreams(route):
            if name not in model.upstreams and name not in model.switches:
                yield (
                    ("routes", index, *location),
                    f"there is no upstream {name!r}{did_you_mean(name, (*model.upstreams, *model.switches))}",
                )
        for name in route.limits:
            if name not in model.limits:
                yield ("routes", index, "limits"), f"there is no limit {name!r}{did_you_mean(name, model.limits)}"
            elif route.cost > model.limits[name].most_at_once:
                yield ("routes", index, "cost"), f"the limit {name!r} never has so much at once"


def named_upstreams(route: RouteModel) -> Iterator[tuple[Location, str]]:
    """Every upstream or switch that a route names, by the field that does."""
    if route.upstream:
        yield ("upstream",), route.upstream
    for number, split in enumerate(route.split):
        yield ("split", number, "upstream"), split.upstream
    if route.mirror is not None:
        yield ("mirror", "upstream"), route.mirror.upstream


def _switches(model: RoutesModel) -> Iterator[tuple[Location, str]]:
    for name, switch in model.switches.items():
        if name in model.upstreams:
            yield ("switches", name), f"{name!r} is the name of an upstream as well"
        for colour, upstream in switch.upstreams.items():
            if upstream not in model.upstreams:
                yield (
                    ("switches", name, "upstreams", colour),
                    f"there is no upstream {upstream!r}{did_you_mean(upstream, model.upstreams)}",
                )


def _headers(model: RoutesModel) -> Iterator[tuple[Location, str]]:
    """Headers that a route sets although another part of the gateway answers for them."""
    for index, route in enumerate(model.routes):
        for field, rules, reserved in (
            ("request_headers", route.request_headers, forwarded_head.reserved),
            ("response_headers", route.response_headers, answer_head.reserved),
        ):
            for name in rules.set if rules is not None else ():
                if reserved(name.lower().encode()):
                    yield ("routes", index, field, "set", name), f"{name} is the gateway's own to state"


def _versions(model: RoutesModel) -> Iterator[tuple[Location, str]]:
    if not any(route.versions for route in model.routes):
        return
    for index, route in enumerate(model.routes):
        if model.api_prefix and route.path.startswith(model.api_prefix + "/"):
            if not route.versions:
                yield ("routes", index, "versions"), f"a path under {model.api_prefix} needs versions"
        elif route.versions:
            where = f"under {model.api_prefix}" if model.api_prefix else "under an api_prefix"
            yield ("routes", index, "versions"), f"only a path {where} has versions"


def _shape(route: RouteModel) -> str:
    parts = ("{*}" if p.endswith("*}") else "{}" if p.startswith("{") else p for p in route.path.split("/"))
    return "/".join(parts)


def _clashes(model: RoutesModel) -> Iterator[tuple[Location, str]]:
    """Routes that one request may meet with nothing to choose between them."""
    seen: dict[tuple[str, str, str, int | None], list[int]] = {}
    for index, route in enumerate(model.routes):
        told: set[int] = set()
        for host, method, version in product(
            [host.lower() for host in route.hosts] or [""], route.methods, route.versions or (None,)
        ):
            others = seen.setdefault((host, method, _shape(route), version), [])
            for other in others:
                if other != index and other not in told and _ambiguous(model.routes[other], route):
                    told.add(other)
                    yield ("routes", index, "path"), _clash(route, method, other)
            if index not in others:
                others.append(index)


def _ambiguous(one: RouteModel, other: RouteModel) -> bool:
    same = len(compile_conditions(one.when)) == len(compile_conditions(other.when))
    return same and not exclude_each_other(one.when, other.when)


def _clash(route: RouteModel, method: str, other: int) -> str:
    taken = f"{method} is already taken by routes[{other}] for this path and version"
    return f"{taken}; give one of them another condition" if route.when is not None else taken


def _invalidates(model: RoutesModel) -> Iterator[tuple[Location, str]]:
    for index, route in enumerate(model.routes):
        given = {part.strip("{}*") for part in route.path.split("/") if part.startswith("{")}
        for path in route.invalidates:
            unknown = {part.strip("{}*") for part in path.split("/") if part.startswith("{")} - given
            if unknown:
                yield ("routes", index, "invalidates"), f"{path!r} names {{{min(unknown)}}}, which the path has not"
            elif not kept_versions(model, path):
                yield ("routes", index, "invalidates"), f"no route keeps answers of {path!r}"
