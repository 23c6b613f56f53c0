"""The spans of a trace in the order and depth of a tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local_stack.traces.span import Span


def as_tree(spans: list[Span]) -> list[tuple[int, Span]]:
    """Depth and span, parents before children, siblings by start; a span whose parent isn't here is a root."""
    known = {span.span_id for span in spans}
    children: dict[str | None, list[Span]] = {}
    for span in sorted(spans, key=lambda span: span.start):
        is_root = span.parent_span_id not in known or span.parent_span_id == span.span_id
        children.setdefault(None if is_root else span.parent_span_id, []).append(span)
    ordered: list[tuple[int, Span]] = []
    stack = [(0, span) for span in reversed(children.get(None, []))]
    while stack:
        depth, span = stack.pop()
        ordered.append((depth, span))
        stack.extend((depth + 1, child) for child in reversed(children.pop(span.span_id, [])))
    return ordered
