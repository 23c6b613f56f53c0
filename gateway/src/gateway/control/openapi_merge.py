"""One OpenAPI document out of the services' own: what is routed, under names that cannot clash."""

import re
from typing import Any

from gateway.problem import Refusal
from gateway.routes.match import match
from gateway.routes.table import Route, RouteTable

Document = dict[str, Any]

_PARAMETER = re.compile(r"\{[^}]*\}")
_REFERENCE = "#/components/"
_METHODS = frozenset({"get", "put", "post", "delete", "patch", "head", "options"})
_CREDENTIALS = [{"bearer": []}, {"X-API-Key": []}]


def merge(table: RouteTable, documents: dict[str, Document], missing: list[str]) -> Document:
    """``documents`` by upstream; ``missing`` are those that never gave one."""
    merged: Document = {
        "openapi": "3.1.0",
        "info": {
            "title": "Gatehouse",
            "version": "1",
            "description": "All services and versions behind the gateway." + _absence(missing),
        },
        "servers": [{"url": "/"}],
        "paths": {},
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "X-API-Key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            }
        },
    }
    if missing:
        merged["x-unavailable"] = missing
    for upstream, document in documents.items():
        _add(merged, table, upstream, document)
    merged["paths"] = dict(sorted(merged["paths"].items()))
    return merged


def _absence(missing: list[str]) -> str:
    return f" Missing, as its service is not reached: {', '.join(missing)}." if missing else ""


def _add(merged: Document, table: RouteTable, upstream: str, document: Document) -> None:
    for path, item in document.get("paths", {}).items():
        for method, operation in item.items():
            if method not in _METHODS:
                continue
            route = _route(table, method, path)
            if route is None or route.upstream != upstream:
                continue
            target = merged["paths"].setdefault(path, {})
            if "parameters" in item and "parameters" not in target:
                target["parameters"] = _renamed(item["parameters"], upstream)
            target[method] = _operation(operation, route, upstream)
    for kind, components in document.get("components", {}).items():
        if kind != "securitySchemes":
            target = merged["components"].setdefault(kind, {})
            target.update({f"{upstream}_{name}": _renamed(body, upstream) for name, body in components.items()})


def _operation(operation: Document, route: Route, upstream: str) -> Document:
    changed: Document = _renamed(operation, upstream)
    if "operationId" in changed:
        changed["operationId"] = f"{upstream}_{changed['operationId']}"
    changed.setdefault("tags", [upstream])
    # The routes file decides who may, not what the service says of itself.
    if route.identity == "required":
        changed["security"] = _CREDENTIALS
    elif route.identity == "optional":
        changed["security"] = [{}, *_CREDENTIALS]
    else:
        changed.pop("security", None)
    if route.sunset is not None:
        changed["deprecated"] = True
    if route.limits:
        changed.setdefault("responses", {}).setdefault("429", {"description": "Over the rate limit."})
    return changed


def _route(table: RouteTable, method: str, path: str) -> Route | None:
    try:
        return match(table, method.upper().encode(), _PARAMETER.sub("1", path).encode(), b"", None).route
    except Refusal:
        return None


def _renamed(value: Any, upstream: str) -> Any:
    """A copy with every reference to a component pointed at its new name."""
    if isinstance(value, dict):
        return {
            key: _reference(item, upstream) if _refers(key, item) else _renamed(item, upstream)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_reference(item, upstream) if _refers("mapping", item) else _renamed(item, upstream) for item in value]
    return value


def _refers(key: object, item: object) -> bool:
    return isinstance(item, str) and item.startswith(_REFERENCE) and key not in ("description", "example")


def _reference(item: str, upstream: str) -> str:
    kind, _, name = item.removeprefix(_REFERENCE).partition("/")
    return f"{_REFERENCE}{kind}/{upstream}_{name}"
