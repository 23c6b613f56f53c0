"""The spans on disk: one SQLite table, bounded, the oldest traces go first."""

from __future__ import annotations

import sqlite3
from dataclasses import asdict
from typing import TYPE_CHECKING

import orjson

from local_stack.traces.span import Span

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

MOST_SPANS = 200_000
_TRIM_EVERY = 5_000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS spans (
    trace_id TEXT NOT NULL, span_id TEXT NOT NULL, service TEXT NOT NULL, operation TEXT NOT NULL,
    kind TEXT NOT NULL, start INTEGER NOT NULL, duration INTEGER NOT NULL, document BLOB NOT NULL,
    PRIMARY KEY (trace_id, span_id)
);
CREATE INDEX IF NOT EXISTS spans_by_service ON spans (service, start);
CREATE INDEX IF NOT EXISTS spans_by_start ON spans (start);
"""
_INSERT = """
INSERT OR REPLACE INTO spans (trace_id, span_id, service, operation, kind, start, duration, document)
VALUES (:trace_id, :span_id, :service, :operation, :kind, :start, :duration, :document)
"""
_CANDIDATES = """
SELECT document FROM spans
WHERE (:service IS NULL OR service = :service) AND (:operation IS NULL OR operation = :operation)
  AND start BETWEEN :earliest AND :latest AND duration BETWEEN :shortest AND :longest
ORDER BY start DESC
"""
_TRIM = """
DELETE FROM spans WHERE trace_id IN (
    SELECT trace_id FROM spans WHERE start <= (SELECT start FROM spans ORDER BY start DESC LIMIT 1 OFFSET ?)
)
"""


class Store:
    """Keeps spans and finds traces."""

    def __init__(self, path: Path, most_spans: int = MOST_SPANS) -> None:
        self._most = most_spans
        self._since_trim = 0
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        # A trace lost with the machine is no loss worth waiting for the disk.
        self._connection.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;" + _SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def add(self, spans: Iterable[Span]) -> None:
        """Keep spans; one that comes again replaces itself."""
        rows = [
            {
                "trace_id": span.trace_id, "span_id": span.span_id, "service": span.service,
                "operation": span.operation, "kind": span.kind, "start": span.start, "duration": span.duration,
                "document": orjson.dumps(asdict(span)),
            }
            for span in spans
        ]  # fmt: skip
        self._connection.execute("BEGIN")
        self._connection.executemany(_INSERT, rows)
        self._connection.execute("COMMIT")
        self._since_trim += len(rows)
        if self._since_trim >= min(_TRIM_EVERY, self._most):
            self._since_trim = 0
            self._connection.execute(_TRIM, (self._most,))

    def services(self) -> list[str]:
        """The names of all services that were heard of."""
        return [row[0] for row in self._connection.execute("SELECT DISTINCT service FROM spans ORDER BY service")]

    def operations(self, service: str) -> list[tuple[str, str]]:
        """The operations of a service with their kinds."""
        query = "SELECT DISTINCT operation, kind FROM spans WHERE service = ? ORDER BY operation, kind"
        return list(self._connection.execute(query, (service,)))

    def trace(self, trace_id: str) -> list[Span]:
        """All spans of a trace by their start, none when it is unknown."""
        query = "SELECT document FROM spans WHERE trace_id = ? ORDER BY start"
        return [Span(**orjson.loads(row[0])) for row in self._connection.execute(query, (trace_id,))]

    def find(
        self,
        *,
        service: str | None = None,
        operation: str | None = None,
        tags: dict[str, str] | None = None,
        earliest: int = 0,
        latest: int = 2**62,
        shortest: int = 0,
        longest: int = 2**62,
        limit: int = 20,
    ) -> list[list[Span]]:
        """The newest traces that have a span like this; times in microseconds."""
        found: dict[str, None] = {}
        parameters = {
            "service": service, "operation": operation, "earliest": earliest, "latest": latest,
            "shortest": shortest, "longest": longest,
        }  # fmt: skip
        for (document,) in self._connection.execute(_CANDIDATES, parameters):
            span = Span(**orjson.loads(document))
            if span.trace_id not in found and _has(span, tags or {}):
                found[span.trace_id] = None
                if len(found) >= limit:
                    break
        return [self.trace(trace_id) for trace_id in found]


def _has(span: Span, tags: dict[str, str]) -> bool:
    own = {tag["key"]: tag["value"] for tag in (*span.process_tags, *span.tags)}
    return all(_text(own.get(key)) == value for key, value in tags.items())


def _text(value: object) -> str | None:
    """A tag's value as a query writes it."""
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)
