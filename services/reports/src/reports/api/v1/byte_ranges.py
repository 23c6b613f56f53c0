"""Which bytes of a file are asked for (RFC 9110 section 14).

Starlette's FileResponse sends ranges but answers 400 to a Range header that the RFC wants ignored (an
unknown unit, section 14.2; an invalid set, section 14.1.1), and 416 when only some of the ranges do not
fit. So the header is read here, and what is left for FileResponse is always satisfiable.
"""

import re
from http import HTTPStatus

from fastapi.responses import FileResponse
from starlette.types import Receive, Scope, Send

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


def satisfiable(header: str | None, size: int) -> str | None:
    """The ranges that can be sent, as a Range header; None when the whole file is to be sent.

    Raises RangeNotSatisfiable.
    """
    unit, separator, text = (header or "").partition("=")
    if not separator or unit.strip().lower() != "bytes":
        return None
    ranges: list[str] = []
    specs = [spec for spec in (part.strip() for part in text.split(",")) if spec]
    for spec in specs:
        match = _SPEC.fullmatch(spec)
        if match is None:
            return None
        first, last, suffix = match.groups()
        if first is not None and last and int(last) < int(first):
            return None
        if int(first) < size if first is not None else int(suffix) > 0 < size:
            ranges.append(spec)
    # Many small ranges cost more than the whole (section 17.15).
    if not specs or len(specs) > MOST_RANGES:
        return None
    if not ranges:
        raise RangeNotSatisfiable(size)
    return f"bytes={','.join(ranges)}"


class RangedFileResponse(FileResponse):
    """A file of which only these ``ranges`` are sent, whatever the request's own headers say."""

    def __init__(self, *, ranges: str | None, path: str, headers: dict[str, str], media_type: str) -> None:
        super().__init__(path, headers=headers, media_type=media_type)
        self._ranges = ranges

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file."""
        headers = [(k, v) for k, v in scope["headers"] if k not in (b"range", b"if-range")]
        if self._ranges is not None:
            headers.append((b"range", self._ranges.encode()))
        await super().__call__({**scope, "headers": headers}, receive, send)
