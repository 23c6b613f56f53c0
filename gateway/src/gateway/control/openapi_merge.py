"""One OpenAPI document out of the services' own: what is routed, under names that cannot clash."""

import re
from collections.abc import Iterator
from typing import Any

from gateway.problem import Refusal
from gateway.routes.match import match
from gateway.routes.table import Route, RouteTable

Document = dict[str, Any]

_PARAMETER = re.compile(r"\{[^{}]*\}")
_REFERENCE = "#/components/"
_METHODS = frozenset({"get", "put", "post", "delete", "patch", "head", "options"})
_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_PROBLEM_SCHEMA: Document = {
    "type": "object",
    "description": "An error (RFC 9457); `code` is a stable word for programs.",
    "required": ["type", "title", "status", "detail", "code", "instance", "trace_id"],
    "properties": {
        **{name: {"type": "string"} for name in ("type", "title", "detail", "code", "instance", "trace_id")},
        "status": {"type": "integer"},
    },
}


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
            "schemas": {"Problem": _PROBLEM_SCHEMA},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "X-API-Key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
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
        changed["security"] = _credentials(route)
    elif route.identity == "optional":
        changed["security"] = [{}, *_credentials(route)]
    else:
        changed.pop("security", None)
    if route.sunset is not None:
        changed["deprecated"] = True
    answers: Document = changed.setdefault("responses", {})
    for status, description in _gateways_answers(route, has_body="requestBody" in changed):
        answers.setdefault(status, {"description": description, "content": _PROBLEM})
    return changed


def _credentials(route: Route) -> list[Document]:
    scopes = sorted(route.scopes)
    return [{"bearer": scopes}, {"X-API-Key": scopes}]


def _gateways_answers(route: Route, *, has_body: bool) -> Iterator[tuple[str, str]]:
    """What the gateway itself may answer in the place of the service."""
    yield "400", "The request does not parse, or can be read in two ways."
    if route.identity != "ignored":
        yield "401", "The credentials are not valid."
    if has_body:
        yield "413", "The body is over the limit."
    if route.limits or route.stream:
        yield "429", "Over the rate limit, or too many streams." if route.stream else "Over the rate limit."
    yield "502", "The service broke off."
    yield "503", "The service is away or full. Try again."
    yield "504", "The service was late."


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
