"""A trace from Jaeger's query API: waited for, checked to be one tree, and drawn."""

from __future__ import annotations

import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx

from local_stack.errors import LocalStackError

_ARRIVAL_SECONDS = 30.0


@dataclass(frozen=True)
class TreeSpan:
    """A span with what drawing and checking need of it; times in microseconds."""

    identifier: str
    parent: str | None
    service: str
    role: str
    operation: str
    kind: str
    start: int
    duration: int


def spans_of(trace: dict[str, Any]) -> dict[str, TreeSpan]:
    """The spans of a trace in Jaeger's JSON, by their id."""
    spans: dict[str, TreeSpan] = {}
    for span in trace["spans"]:
        process = trace["processes"][span["processID"]]
        role = next((tag["value"] for tag in process.get("tags", []) if tag["key"] == "process.role"), "")
        parents = [ref["spanID"] for ref in span["references"] if ref["refType"] == "CHILD_OF"]
        spans[span["spanID"]] = TreeSpan(
            identifier=span["spanID"],
            parent=parents[0] if parents else None,
            service=process["serviceName"],
            role=role,
            operation=span["operationName"],
            kind=next((tag["value"] for tag in span["tags"] if tag["key"] == "span.kind"), "internal"),
            start=span["startTime"],
            duration=span["duration"],
        )
    return spans


def what_is_missing(spans: dict[str, TreeSpan], path: tuple[str, ...]) -> str:
    """Why it isn't yet one tree in which the services of the path follow one another; empty when it is."""
    loose = [span for span in spans.values() if span.parent is not None and span.parent not in spans]
    roots = [span for span in spans.values() if span.parent is None]
    if loose:
        return f"the parent of {loose[0].service}: {loose[0].operation} has not come in"
    if len(roots) != 1:
        return f"it has {len(roots)} roots: {', '.join(f'{span.service}: {span.operation}' for span in roots)}"
    for span in spans.values():
        if span.service == path[-1] and _services_above(spans, span) == list(path):
            return ""
    known = ", ".join(sorted({span.service for span in spans.values()}))
    return f"no span of {path[-1]} stands under {' and '.join(path[:-1])}; the services in it are: {known}"


def connected_trace(url: str, trace_id: str, path: tuple[str, ...]) -> dict[str, TreeSpan]:
    """The trace, once all of it has come in; raises when it doesn't."""
    deadline = time.monotonic() + _ARRIVAL_SECONDS
    missing = "it has not come in"
    with httpx.Client(timeout=5.0, trust_env=False) as client:
        while time.monotonic() < deadline:
            answer = client.get(f"{url}/api/traces/{trace_id}")
            if answer.status_code == HTTPStatus.OK and answer.json()["data"]:
                spans = spans_of(answer.json()["data"][0])
                missing = what_is_missing(spans, path)
                if not missing:
                    return spans
            time.sleep(0.25)
    raise LocalStackError(f"trace {trace_id} at {url} is not whole after {_ARRIVAL_SECONDS:.0f} s: {missing}")


def tree_lines(spans: dict[str, TreeSpan]) -> list[str]:
    """The tree, a line a span."""
    children: dict[str | None, list[TreeSpan]] = {}
    for span in sorted(spans.values(), key=lambda span: span.start):
        children.setdefault(span.parent, []).append(span)
    lines: list[str] = []

    def draw(span: TreeSpan, indent: str, *, last: bool, root: bool = False) -> None:
        branch = "" if root else ("└─ " if last else "├─ ")
        who = f"{span.service} ({span.role})" if span.role == "worker" else span.service
        lines.append(f"    {indent}{branch}{who}: {span.operation} [{span.kind}] {span.duration / 1000:.1f} ms")
        below = children.get(span.identifier, [])
        deeper = indent if root else indent + ("   " if last else "│  ")
        for child in below:
            draw(child, deeper, last=child is below[-1])

    for root in children.get(None, []):
        draw(root, "", last=True, root=True)
    return lines


def _services_above(spans: dict[str, TreeSpan], span: TreeSpan) -> list[str]:
    """The services from the root down to this span, each once in the order of its first span."""
    chain: list[str] = []
    here: TreeSpan | None = span
    while here is not None:
        if not chain or chain[-1] != here.service:
            chain.append(here.service)
        here = spans.get(here.parent) if here.parent else None
    return chain[::-1]
