"""Which kept answers a route puts out of date, compiled: paths as forwarded, with the places of the parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.routes.model import RouteModel, RoutesModel

# A path in pieces: bytes as they stand, a number for the parameter of the request that stands there.
Changed = tuple[bytes | int, ...]


def keeps(model: RoutesModel) -> bool:
    """Whether any route of the file keeps answers."""
    return any(route.cache is not None for route in model.routes)


def kept_versions(model: RoutesModel, path: str) -> list[int | None]:
    """The versions in which answers of a path are kept; empty where none are."""
    wanted = shape(path)
    return sorted(
        {
            version
            for route in model.routes
            if route.cache is not None and shape(route.path) == wanted
            for version in route.versions or (None,)
        },
        key=lambda version: version or 0,
    )


def changes(model: RoutesModel, route: RouteModel) -> tuple[Changed, ...] | None:
    """All that a successful unsafe request on ``route`` changes; None where no route keeps answers."""
    if not keeps(model):
        return None
    names = [part.strip("{}*") for part in route.path.split("/") if part.startswith("{")]
    found = dict.fromkeys(_compiled(model, route.path, names))
    for path in route.invalidates:
        found.update(dict.fromkeys(_compiled(model, path, names)))
    return tuple(found)


def _compiled(model: RoutesModel, path: str, names: list[str]) -> Iterator[Changed]:
    for version in kept_versions(model, path):
        prefix = model.api_prefix
        text = path if version is None else f"{prefix}/v{version}{path.removeprefix(prefix)}"
        pieces: list[bytes | int] = []
        for part in text.split("/")[1:]:
            pieces += (b"/", names.index(part.strip("{}*")) if part.startswith("{") else part.encode())
        yield tuple(pieces)


def shape(path: str) -> str:
    """The path without the names of its parameters."""
    return "/".join("{}" if part.startswith("{") else part for part in path.split("/"))
