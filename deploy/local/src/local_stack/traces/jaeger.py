"""Jaeger's query API: the part of it that its page, Grafana and our trace tests use."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import orjson
from starlette.responses import JSONResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.datastructures import QueryParams
    from starlette.requests import Request
    from starlette.responses import Response

    from local_stack.traces.span import Span
    from local_stack.traces.store import Store

_MICROSECONDS = {
    "us": 1, "µs": 1, "ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000,
}  # fmt: skip
_MOST = 1_500


class BadQueryError(ValueError):
    """A parameter that does not parse; its text is for the caller."""


def trace_document(spans: list[Span]) -> dict[str, Any]:
    """A trace as Jaeger's JSON has it; each different process of the trace gets an id of its own."""
    processes: dict[str, dict[str, Any]] = {}
    ids: dict[bytes, str] = {}

    def process_id(span: Span) -> str:
        key = orjson.dumps([span.service, span.process_tags])
        if key not in ids:
            ids[key] = f"p{len(ids) + 1}"
            processes[ids[key]] = {"serviceName": span.service, "tags": span.process_tags}
        return ids[key]

    return {
        "traceID": spans[0].trace_id,
        "spans": [_span_document(span, process_id(span)) for span in spans],
        "processes": processes,
        "warnings": None,
    }


def routes(store: Store) -> list[Route]:
    """The API over a store."""

    async def services(_: Request) -> Response:
        return _answer(store.services())

    async def operation_names(request: Request) -> Response:
        return _answer(sorted({name for name, _ in store.operations(request.path_params["service"])}))

    async def operations(request: Request) -> Response:
        service = request.query_params.get("service")
        if not service:
            return _refusal("parameter 'service' is required")
        return _answer([{"name": name, "spanKind": kind} for name, kind in store.operations(service)])

    async def traces(request: Request) -> Response:
        try:
            found = _search(store, request.query_params)
        except BadQueryError as error:
            return _refusal(str(error))
        return _answer([trace_document(spans) for spans in found])

    async def trace(request: Request) -> Response:
        spans = store.trace(request.path_params["trace_id"].lower().zfill(32))
        return _answer([trace_document(spans)]) if spans else _refusal("trace not found", 404)

    return [
        Route("/api/services", services),
        Route("/api/services/{service}/operations", operation_names),
        Route("/api/operations", operations),
        Route("/api/traces", traces),
        Route("/api/traces/{trace_id}", trace),
    ]


def _span_document(span: Span, process_id: str) -> dict[str, Any]:
    references = list(span.links)
    if span.parent_span_id:
        parent = {"refType": "CHILD_OF", "traceID": span.trace_id, "spanID": span.parent_span_id}
        references.insert(0, parent)
    return {
        "traceID": span.trace_id,
        "spanID": span.span_id,
        "operationName": span.operation,
        "references": references,
        "startTime": span.start,
        "duration": span.duration,
        "tags": span.tags,
        "logs": span.logs,
        "processID": process_id,
        "warnings": None,
    }


def _search(store: Store, query: QueryParams) -> list[list[Span]]:
    asked = query.getlist("traceID")
    if asked:
        return [spans for spans in (store.trace(trace_id.lower().zfill(32)) for trace_id in asked) if spans]
    if not query.get("service"):
        raise BadQueryError("parameter 'service' is required")
    now = time.time_ns() // 1000
    lookback = query.get("lookback")
    earliest = now - _duration("lookback", lookback) if lookback and lookback != "custom" else 0
    return store.find(
        service=query["service"],
        operation=query.get("operation") or None,
        tags=_tags(query),
        earliest=max(earliest, _number("start", query.get("start"), 0)),
        latest=_number("end", query.get("end"), 2**62),
        shortest=_duration("minDuration", query.get("minDuration") or "0us"),
        longest=_duration("maxDuration", query.get("maxDuration")) if query.get("maxDuration") else 2**62,
        limit=max(1, min(_number("limit", query.get("limit"), 20), _MOST)),
    )


def _tags(query: QueryParams) -> dict[str, str]:
    """Tags as `tags={"key":"value"}`, or each as `tag=key:value`."""
    found: dict[str, str] = {}
    for pair in query.getlist("tag"):
        key, colon, value = pair.partition(":")
        if not colon:
            raise BadQueryError(f"malformed 'tag' parameter, expecting key:value, received: {pair}")
        found[key] = value
    for text in query.getlist("tags"):
        try:
            parsed = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise BadQueryError(f"malformed 'tags' parameter, cannot unmarshal JSON: {error}") from error
        if not isinstance(parsed, dict) or not all(isinstance(value, str) for value in parsed.values()):
            raise BadQueryError("malformed 'tags' parameter, expecting an object of strings")
        found |= parsed
    return found


def _number(name: str, text: str | None, default: int) -> int:
    if not text:
        return default
    if not text.isdecimal():
        raise BadQueryError(f"unable to parse param '{name}': {text!r}")
    return int(text)


def _duration(name: str, text: str | None) -> int:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(us|µs|ms|s|m|h|d)", text or "")
    if match is None:
        raise BadQueryError(f"unable to parse param '{name}': {text!r}")
    return int(float(match[1]) * _MICROSECONDS[match[2]])


def _answer(data: list[Any]) -> JSONResponse:
    return JSONResponse({"data": data, "total": len(data), "limit": 0, "offset": 0, "errors": None})


def _refusal(message: str, status: int = 400) -> JSONResponse:
    errors = [{"code": status, "msg": message}]
    return JSONResponse({"data": None, "total": 0, "limit": 0, "offset": 0, "errors": errors}, status_code=status)
