"""Which bytes of a file are asked for (RFC 9110 section 14).

Starlette's FileResponse answers 400 to a Range header that the RFC wants ignored (an unknown unit, section 14.2; an
invalid set, section 14.1.1), 416 when only some of the ranges do not fit, and sends nothing but files of a disk.
"""

import re
from dataclasses import dataclass
from http import HTTPStatus

from shared.problems import Problem

MOST_RANGES = 8
_SPEC = re.compile(r"(\d{1,18})-(\d{0,18})|-(\d{1,18})", re.ASCII)


class RangeNotSatisfiable(Problem):
    """416: no byte of what is asked for is there (RFC 9110 section 15.5.17)."""

    status = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE

    def __init__(self, size: int) -> None:
        super().__init__(
            "range_not_satisfiable",
            f"The file has {size} bytes.",
            headers={"Content-Range": f"bytes */{size}", "Accept-Ranges": "bytes"},
        )


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Bytes of a file, from ``start`` to before ``stop``."""

    start: int
    stop: int


def satisfiable(header: str | None, size: int) -> list[Span] | None:
    """The spans that can be sent, in order and none touching another; None when the whole file is to be sent.

    Raises RangeNotSatisfiable.
    """
    unit, separator, text = (header or "").partition("=")
    if not separator or unit.strip().lower() != "bytes":
        return None
    spans: list[Span] = []
    specs = [spec for spec in (part.strip() for part in text.split(",")) if spec]
    for spec in specs:
        match = _SPEC.fullmatch(spec)
        if match is None:
            return None
        first, last, suffix = match.groups()
        if first is not None and last and int(last) < int(first):
            return None
        start = int(first) if first is not None else max(0, size - int(suffix))
        if start < size:
            spans.append(Span(start, min(size, int(last) + 1) if last else size))
    # Many small ranges cost more than the whole (section 17.15).
    if not specs or len(specs) > MOST_RANGES:
        return None
    if not spans:
        raise RangeNotSatisfiable(size)
    return _merged(sorted(spans))


def _merged(spans: list[Span]) -> list[Span]:
    """Spans that overlap or touch as one (section 14.2)."""
    merged = [spans[0]]
    for span in spans[1:]:
        last = merged[-1]
        if span.start <= last.stop:
            merged[-1] = Span(last.start, max(last.stop, span.stop))
        else:
            merged.append(span)
    return merged
