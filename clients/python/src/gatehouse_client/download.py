"""A file on its way to the disk: whole or not there, and continued where a connection broke."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Self

from gatehouse_client.errors import UnexpectedAnswer

if TYPE_CHECKING:
    from types import TracebackType

    import httpx

    from gatehouse_client.call import Call

_FROM = re.compile(r"bytes (\d+)-")


class Download:
    """A file beside the target, which takes its name when it is whole; a context manager."""

    def __init__(self, call: Call, target: Path) -> None:
        self._call = call
        self._target = target
        self._etag: str | None = None
        self._received = 0

    def __enter__(self) -> Self:
        number, name = tempfile.mkstemp(prefix=f".{self._target.name}.", dir=self._target.parent)
        self._path, self._file = Path(name), os.fdopen(number, "wb")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()

    @property
    def received(self) -> int:
        """Bytes so far."""
        return self._received

    def next_call(self) -> Call:
        """What to ask for: all of it, or what is missing of the same version (RFC 9110 section 13.1.5)."""
        # As stored: a range of what was compressed on the way is none of the file.
        call = self._call.with_headers(Accept_Encoding="identity")
        if self._received and self._etag is not None and not self._etag.startswith("W/"):
            return call.with_headers(Range=f"bytes={self._received}-", If_Range=self._etag)
        return call

    def begin(self, response: httpx.Response) -> None:
        """Take the answer's head: the rest, or all of it anew; UnexpectedAnswer for another part."""
        self._etag = response.headers.get("etag")
        if response.status_code == HTTPStatus.PARTIAL_CONTENT:
            first = _FROM.match(response.headers.get("content-range", ""))
            if first is None or int(first[1]) != self._received:
                raise UnexpectedAnswer(
                    f"asked from byte {self._received}, given {response.headers.get('content-range')}"
                )
            return
        self._received = 0
        self._file.seek(0)
        self._file.truncate()

    def write(self, piece: bytes) -> None:
        """Keep a piece."""
        self._file.write(piece)
        self._received += len(piece)

    def finish(self) -> Path:
        """Give it its name."""
        self._file.close()
        self._path.replace(self._target)
        return self._target
