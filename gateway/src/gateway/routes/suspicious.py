"""What ``gateway check`` warns of: a file that is good, and says something that nobody can mean."""

import time
from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from gateway.control.paths import OwnPaths
from gateway.routes.hosts import patterns_of
from gateway.routes.load import field_name, line_of
from gateway.routes.model import RouteModel, RoutesModel
from gateway.routes.references import Location, named_upstreams


def warnings_of(file: Path, model: RoutesModel) -> list[str]:
    """Each as ``file:line: field: warning: what is suspicious``."""
    text = file.read_text()
    found: list[str] = []
    for location, message in suspicious(model):
        line = line_of(text, location)
        found.append(f"{file}{f':{line}' if line else ''}: {field_name(location)}: warning: {message}")
    return found


def suspicious(model: RoutesModel) -> Iterator[tuple[Location, str]]:
    """The field and what is suspicious about it."""
    yield from _unused(model)
    own = OwnPaths(model.own)
    for index, route in enumerate(model.routes):
        if route.path.encode() in own:
            yield ("routes", index, "path"), "the gateway answers this path by itself: see `own`"
        for field, message in _of_route(model, route):
            yield ("routes", index, field), message


def _of_route(model: RoutesModel, route: RouteModel) -> Iterator[tuple[str, str]]:
    trusted = {pattern.lower().encode() for pattern in model.admission.hosts}
    if trusted and route.hosts and not any(_overlaps(host.lower().encode(), trusted) for host in route.hosts):
        yield "hosts", "no request for these hosts is let in by admission.hosts"
    denied = [ip_network(text) for text in (*route.deny, *model.admission.deny)]
    if route.allow and all(any(_within(text, network) for network in denied) for text in route.allow):
        yield "allow", "every network of it is denied"
    for ending in route.deprecated:
        if ending.sunset.timestamp() <= time.time():
            yield "deprecated", f"version {ending.version} is past its sunset and answers 410"
    for name in (*(split.upstream for split in route.split), *([route.mirror.upstream] if route.mirror else [])):
        if model.resolved(name) == model.resolved(route.upstream):
            yield (
                ("mirror" if route.mirror is not None and name == route.mirror.upstream else "split"),
                (f"{name!r} gets the requests anyway"),
            )


def _overlaps(host: bytes, trusted: set[bytes]) -> bool:
    name = host.removeprefix(b"*.")
    return not trusted.isdisjoint((host, *patterns_of(name))) or (
        host.startswith(b"*.") and any(other.endswith(host[1:]) for other in trusted)
    )


def _within(text: str, network: IPv4Network | IPv6Network) -> bool:
    inner = ip_network(text)
    if isinstance(inner, IPv4Network):
        return isinstance(network, IPv4Network) and inner.subnet_of(network)
    return isinstance(network, IPv6Network) and inner.subnet_of(network)


def _unused(model: RoutesModel) -> Iterator[tuple[Location, str]]:
    named = {name for route in model.routes for _, name in named_upstreams(route)}
    named |= {upstream for switch in model.switches.values() for upstream in switch.upstreams.values()}
    if model.api_keys is not None:
        named.add(model.api_keys.upstream)
    limits = {name for route in model.routes for name in route.limits}
    for table, used in (("upstreams", named), ("switches", named), ("limits", limits)):
        for name in getattr(model, table):
            if name not in used:
                yield (table, name), "nothing names it"
