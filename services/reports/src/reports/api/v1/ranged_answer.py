"""An answer that streams a stored file, the whole or spans of it (RFC 9110 section 15.3.7)."""

import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

from starlette.responses import StreamingResponse

from reports.api.v1.byte_ranges import Span

Read = Callable[[int, int], AsyncIterator[bytes]]
"""The bytes from a start to before a stop."""


def ranged_answer(
    spans: Sequence[Span] | None, size: int, read: Read, *, headers: Mapping[str, str], media_type: str
) -> StreamingResponse:
    """200 with the whole file of ``size`` bytes, or 206 with these spans of it, several as multipart/byteranges."""
    told = {**headers, "Accept-Ranges": "bytes"}
    match spans:
        case None:
            told["Content-Length"] = str(size)
            return StreamingResponse(read(0, size), 200, told, media_type)
        case [span]:
            told |= {"Content-Range": _content_range(span, size), "Content-Length": str(span.stop - span.start)}
            return StreamingResponse(read(span.start, span.stop), 206, told, media_type)
        case _:
            boundary = secrets.token_hex(16)
            heads = [_part_head(boundary, span, size, media_type) for span in spans]
            end = f"--{boundary}--\r\n".encode()
            content = sum(len(head) + span.stop - span.start + 2 for head, span in zip(heads, spans, strict=True))
            told["Content-Length"] = str(content + len(end))
            told["Content-Type"] = f"multipart/byteranges; boundary={boundary}"
            return StreamingResponse(_parts(heads, spans, end, read), 206, told)


async def _parts(heads: Sequence[bytes], spans: Sequence[Span], end: bytes, read: Read) -> AsyncIterator[bytes]:
    for head, span in zip(heads, spans, strict=True):
        yield head
        async for piece in read(span.start, span.stop):
            yield piece
        yield b"\r\n"
    yield end


def _content_range(span: Span, size: int) -> str:
    return f"bytes {span.start}-{span.stop - 1}/{size}"


def _part_head(boundary: str, span: Span, size: int, media_type: str) -> bytes:
    return (
        f"--{boundary}\r\nContent-Type: {media_type}\r\nContent-Range: {_content_range(span, size)}\r\n\r\n"
    ).encode()
