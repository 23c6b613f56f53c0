"""The admin state as one page: a table for each part, so that nobody on call needs to read JSON."""

from __future__ import annotations

from html import escape
from typing import Any

_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Gatehouse admin</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/admin/page.css">
</head>
<body>
<h1>Gatehouse admin</h1>
<p>The same as JSON: <a href="/admin/state">/admin/state</a>, or one part as /admin/upstreams.</p>
"""


def render(workers: list[dict[str, Any]]) -> str:
    """HTML; a worker that did not answer is shown as such."""
    pieces = [_HEAD]
    for worker in workers:
        pieces.append(f"<h2>Worker {worker['worker']}, process {worker['pid']}</h2>")
        answer = worker["answer"]
        if answer is None:
            pieces.append("<p>It does not answer.</p>")
            continue
        for part, value in answer.items():
            pieces.append(f"<h3>{escape(part)}</h3>{_value(value)}")
    pieces.append("</body></html>\n")
    return "".join(pieces)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        rows = "".join(f"<tr><th>{escape(str(name))}</th><td>{_value(item)}</td></tr>" for name, item in value.items())
        return f"<table>{rows}</table>" if rows else "none"
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        return _table(value)
    if isinstance(value, list):
        return ", ".join(_value(item) for item in value) or "none"
    return escape("" if value is None else str(value))


def _table(rows: list[dict[str, Any]]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    head = "".join(f"<th>{escape(str(name))}</th>" for name in names)
    body = "".join("<tr>" + "".join(f"<td>{_value(row.get(name))}</td>" for name in names) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"
