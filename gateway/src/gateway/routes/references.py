"""What one table of the routes file says about another: names that must exist, routes that must not clash."""

from collections.abc import Iterator

from gateway.routes.model import RouteModel, RoutesModel

Location = tuple[int | str, ...]


def wrong_references(model: RoutesModel) -> list[tuple[Location, str]]:
    """Each wrong reference as the location of its field and what is wrong with it."""
    return [*_names(model), *_versions(model), *_clashes(model)]


def _names(model: RoutesModel) -> Iterator[tuple[Location, str]]:
    if model.api_keys is not None and model.api_keys.upstream not in model.upstreams:
        yield ("api_keys", "upstream"), f"there is no upstream {model.api_keys.upstream!r}"
    for index, route in enumerate(model.routes):
        if route.upstream not in model.upstreams:
            yield ("routes", index, "upstream"), f"there is no upstream {route.upstream!r}"
        for name in route.limits:
            if name not in model.limits:
                yield ("routes", index, "limits"), f"there is no limit {name!r}"


def _versions(model: RoutesModel) -> Iterator[tuple[Location, str]]:
    for index, route in enumerate(model.routes):
        if route.path.startswith(model.api_prefix + "/"):
            if not route.versions:
                yield ("routes", index, "versions"), f"a path under {model.api_prefix} needs versions"
        elif route.versions:
            yield ("routes", index, "versions"), f"only a path under {model.api_prefix} has versions"


def _shape(route: RouteModel) -> str:
    return "/".join("{}" if part.startswith("{") else part for part in route.path.split("/"))


def _clashes(model: RoutesModel) -> Iterator[tuple[Location, str]]:
    seen: dict[tuple[str, str, int | None], int] = {}
    for index, route in enumerate(model.routes):
        for method in route.methods:
            for version in route.versions or (None,):
                first = seen.setdefault((method, _shape(route), version), index)
                if first != index:
                    yield (
                        ("routes", index, "path"),
                        f"{method} is already taken by routes[{first}] for this path and version",
                    )
