"""A trace in Jaeger's JSON as rows for people. Everything in it is somebody else's text: the page shows it as text."""

from __future__ import annotations

from typing import Any

_MOST_SPANS = 1_000
_MOST_TAGS = 40
_LONGEST_TEXT = 500


def summary(trace: dict[str, Any]) -> dict[str, Any]:
    """One line of the list; ``began`` in Unix seconds, ``seconds`` from the first begin to the last end."""
    spans = trace["spans"]
    begin = min(span["startTime"] for span in spans)
    end = max(span["startTime"] + span["duration"] for span in spans)
    parents = _parents(spans)
    roots = [span for span in spans if parents[span["spanID"]] is None]
    root = min(roots or spans, key=lambda span: span["startTime"])
    services = {_service(trace, span) for span in spans}
    return {
        "trace_id": trace["traceID"],
        "began": begin / 1e6,
        "seconds": (end - begin) / 1e6,
        "service": _service(trace, root),
        "operation": root["operationName"],
        "services": sorted(services),
        "spans": len(spans),
        "error": any(_failed(span) for span in spans),
    }


def waterfall(trace: dict[str, Any]) -> dict[str, Any]:
    """The summary and ``rows``: parents before children, siblings by start, with depth; times in seconds from begin."""
    spans = sorted(trace["spans"], key=lambda span: span["startTime"])
    begin = spans[0]["startTime"]
    parents = _parents(spans)
    children: dict[str | None, list[dict[str, Any]]] = {}
    for span in spans:
        children.setdefault(parents[span["spanID"]], []).append(span)
    rows: list[dict[str, Any]] = []
    stack = [(0, span) for span in reversed(children.get(None, []))]
    while stack and len(rows) < _MOST_SPANS:
        depth, span = stack.pop()
        rows.append(_row(trace, span, depth, begin))
        stack.extend((depth + 1, child) for child in reversed(children.pop(span["spanID"], [])))
    return {**summary(trace), "rows": rows}


def _row(trace: dict[str, Any], span: dict[str, Any], depth: int, begin: int) -> dict[str, Any]:
    return {
        "depth": depth,
        "service": _service(trace, span),
        "operation": span["operationName"],
        "start": (span["startTime"] - begin) / 1e6,
        "seconds": span["duration"] / 1e6,
        "error": _failed(span),
        "tags": [[tag["key"], str(tag["value"])[:_LONGEST_TEXT]] for tag in span.get("tags", [])[:_MOST_TAGS]],
    }


def _parents(spans: list[dict[str, Any]]) -> dict[str, str | None]:
    """By a span's id that of the span it is a child of, None where that one is not here."""
    known = {span["spanID"] for span in spans}
    found: dict[str, str | None] = dict.fromkeys(known)
    for span in spans:
        for reference in span.get("references") or ():
            parent = reference["spanID"]
            if reference["refType"] == "CHILD_OF" and parent in known and parent != span["spanID"]:
                found[span["spanID"]] = parent
    return found


def _service(trace: dict[str, Any], span: dict[str, Any]) -> str:
    return trace["processes"].get(span.get("processID", ""), {}).get("serviceName", "unknown")


def _failed(span: dict[str, Any]) -> bool:
    return any(tag["key"] == "error" and tag["value"] is True for tag in span.get("tags", []))
