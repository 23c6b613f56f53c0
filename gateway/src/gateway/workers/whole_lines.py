"""Standard output of several workers that write into one pipe: whole lines, never the halves of two.

A pipe takes up to PIPE_BUF bytes in one piece (POSIX, write()); what is longer may be mixed with what others write.
"""

from __future__ import annotations

import io
import os
import select
import stat
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_AT_ONCE = select.PIPE_BUF
# What is handed over is flushed at once; only a write larger than this could be cut by the buffer.
_BUFFER = 1 << 20


class WholeLines(io.RawIOBase):
    """Writes to a file descriptor as many whole lines at a time as go in one piece."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def writable(self) -> bool:
        """It is."""
        return True

    def fileno(self) -> int:
        """The descriptor."""
        return self._descriptor

    def write(self, data: ReadableBuffer, /) -> int:
        """All of it; a single line that is longer goes as it can."""
        view = bytes(data)
        start = 0
        while start < len(view):
            end = view.rfind(b"\n", start, start + _AT_ONCE) + 1
            if not end:
                end = view.find(b"\n", start) + 1 or len(view)
            while start < end:
                start += os.write(self._descriptor, view[start:end])
        return len(view)


def write_whole_lines() -> None:
    """From now on, where standard output is a pipe. Before anything keeps a hold of it."""
    descriptor = sys.stdout.fileno()
    if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
        sys.stdout.flush()
        sys.stdout = io.TextIOWrapper(io.BufferedWriter(WholeLines(descriptor), _BUFFER), "utf-8", write_through=True)
