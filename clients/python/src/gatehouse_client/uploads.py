"""Bodies that are files: sent in pieces, and from the beginning at each attempt."""

from __future__ import annotations

import asyncio
import io
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from gatehouse_client.call import Upload

_PIECE = 64 * 1024


@contextmanager
def _opened(content: Upload) -> Iterator[BinaryIO]:
    if isinstance(content, bytes):
        yield io.BytesIO(content)
    elif isinstance(content, Path):
        with content.open("rb") as file:
            yield file
    else:
        content.seek(0)
        yield content


def size_of(content: Upload) -> int:
    """How many bytes will be sent; OSError for a file that is not there or can't be read twice."""
    if isinstance(content, bytes):
        return len(content)
    if isinstance(content, Path):
        return content.stat().st_size
    return content.seek(0, io.SEEK_END)


def pieces(content: Upload) -> Iterator[bytes]:
    """The body, piece by piece."""
    with _opened(content) as file:
        while piece := file.read(_PIECE):
            yield piece


async def async_pieces(content: Upload) -> AsyncIterator[bytes]:
    """The body, piece by piece, the reading done beside the event loop."""
    with _opened(content) as file:
        while piece := await asyncio.to_thread(file.read, _PIECE):
            yield piece
