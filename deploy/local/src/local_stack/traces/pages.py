"""The pages for people: the newest traces, and one trace as a waterfall. All text of a span is escaped."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from local_stack.traces.tree import as_tree

if TYPE_CHECKING:
    from starlette.requests import Request

    from local_stack.traces.span import Span
    from local_stack.traces.store import Store

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}
_LISTED = 50
_COLOURS = 8
_DEEPEST = 39

# The policy of the pages forbids style attributes, so that depth and colour are classes.
_FILLS = (f".c{number} {{ fill: hsl({number * 360 // _COLOURS + 210}, 55%, 50%); }}" for number in range(_COLOURS))
_INDENTS = (f".d{number} {{ padding-left: {number}em; }}" for number in range(_DEEPEST + 1))
_STYLE = """
body { font: 14px/1.4 system-ui, sans-serif; margin: 2em auto; max-width: 1200px; padding: 0 1em; color: #223; }
table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; padding: 2px 8px; border-bottom: 1px solid #eee; vertical-align: top; }
td.number { text-align: right; white-space: nowrap; }
td.bar { width: 45%; }
svg { width: 100%; height: 14px; display: block; background: #f6f6f8; }
summary { cursor: pointer; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1em; margin: 4px 0 8px; font-size: 12px; }
dd { margin: 0; overflow-wrap: anywhere; }
.error summary { color: #b00; font-weight: 600; }
.service { color: #667; }
""" + "\n".join((*_FILLS, *_INDENTS))


def routes(store: Store) -> list[Route]:
    """The pages over a store."""

    async def index(_: Request) -> Response:
        rows = "".join(_index_row(spans) for spans in store.find(limit=_LISTED))
        head = "<tr><th>began</th><th>first span</th><th>services</th><th>spans</th><th>took</th></tr>"
        return _page("Traces", f"<table>{head}{rows}</table>" if rows else "<p>No trace has come in yet.</p>")

    async def trace(request: Request) -> Response:
        spans = store.trace(request.path_params["trace_id"].lower().zfill(32))
        if not spans:
            return _page("No such trace", "<p>It has not come in, or it was trimmed.</p>", 404)
        return _page(f"Trace {spans[0].trace_id}", _waterfall(spans))

    async def style(_: Request) -> Response:
        return Response(_STYLE, media_type="text/css", headers=_HEADERS)

    return [Route("/", index), Route("/trace/{trace_id}", trace), Route("/style.css", style)]


def _page(title: str, body: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<link rel="stylesheet" href="/style.css"><p><a href="/">All traces</a></p><h1>{escape(title)}</h1>{body}',
        status_code=status,
        headers=_HEADERS,
    )


def _index_row(spans: list[Span]) -> str:
    _, root = as_tree(spans)[0]
    began = datetime.fromtimestamp(root.start / 1e6, UTC)
    services = ", ".join(sorted({span.service for span in spans}))
    begin, end = _extent(spans)
    return (
        f'<tr><td>{began:%H:%M:%S}</td><td><a href="/trace/{escape(root.trace_id)}">'
        f"{escape(root.service)}: {escape(root.operation)}</a></td><td>{escape(services)}</td>"
        f'<td class="number">{len(spans)}</td><td class="number">{(end - begin) / 1000:.1f} ms</td></tr>'
    )


def _waterfall(spans: list[Span]) -> str:
    begin, end = _extent(spans)
    whole = max(1, end - begin)
    services = sorted({span.service for span in spans})
    rows = "".join(
        _span_row(depth, span, (span.start - begin) / whole, span.duration / whole, services.index(span.service))
        for depth, span in as_tree(spans)
    )
    return f"<table><tr><th>span</th><th>took</th><th>{whole / 1000:.1f} ms in all</th></tr>{rows}</table>"


def _span_row(depth: int, span: Span, left: float, width: float, colour: int) -> str:
    details = [(tag["key"], tag["value"]) for tag in (*span.tags, *span.process_tags)]
    for log in span.logs:
        text = ", ".join(f"{field['key']}={field['value']}" for field in log["fields"])
        details.append((f"event +{(log['timestamp'] - span.start) / 1000:.1f} ms", text))
    listed = "".join(f"<dt>{escape(str(key))}</dt><dd>{escape(str(value))}</dd>" for key, value in details)
    failed = any(tag["key"] == "error" and tag["value"] is True for tag in span.tags)
    return (
        f'<tr><td class="d{min(depth, _DEEPEST)}"><details class="{"error" if failed else "fine"}"><summary>'
        f'<span class="service">{escape(span.service)}</span> {escape(span.operation)}</summary><dl>{listed}</dl>'
        f'</details></td><td class="number">{span.duration / 1000:.1f} ms</td><td class="bar"><svg>'
        f'<rect class="c{colour % _COLOURS}" x="{left:.2%}" width="{max(width, 0.002):.2%}" height="14"/>'
        f"</svg></td></tr>"
    )


def _extent(spans: list[Span]) -> tuple[int, int]:
    return min(span.start for span in spans), max(span.start + span.duration for span in spans)
