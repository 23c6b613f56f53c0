"""Server-sent events (WHATWG HTML, section 9.2)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, cast

from gatehouse_client.errors import UnexpectedAnswer

_LINE_END = re.compile(rb"\r\n|\n|\r")
_LAST = frozenset({"done", "failed"})


@dataclass(frozen=True)
class Event:
    """``progress``, at last ``done`` or ``failed``; ``data`` is the job or report as it then stood."""

    name: str
    data: dict[str, Any]
    id: str | None = None

    @property
    def progress(self) -> int:
        """In percent."""
        return int(self.data.get("progress", self.data.get("percent", 100 if self.name == "done" else 0)))

    @property
    def is_last(self) -> bool:
        """Whether nothing comes after it."""
        return self.name in _LAST


@dataclass
class EventStream:
    """Bytes in, events out. Only CR and LF end a line, whatever else Unicode takes for an end of one."""

    last_id: str | None = None
    retry_seconds: float = 1.0
    _rest: bytes = b""
    _id: str | None = None
    _name: str = ""
    _data: list[str] = field(default_factory=list[str])

    def feed(self, piece: bytes) -> list[Event]:
        """The events that are whole with this piece."""
        text = self._rest + piece
        # A CR at the end may be the first half of CR LF.
        held = b"\r" if text.endswith(b"\r") else b""
        *lines, rest = _LINE_END.split(text.removesuffix(held))
        self._rest = rest + held
        return [event for line in lines for event in self._line(line.decode(errors="replace"))]

    def broken(self) -> None:
        """The connection ended: what was not whole is forgotten."""
        self._rest, self._id, self._name, self._data = b"", self.last_id, "", []

    def _line(self, line: str) -> list[Event]:
        if not line:
            return self._whole()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            self._name = value
        elif name == "data":
            self._data.append(value)
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self.retry_seconds = int(value) / 1000
        return []

    def _whole(self) -> list[Event]:
        # Only now: the id of an event that did not come whole would skip it.
        self.last_id = self._id
        name, data = self._name or "message", "\n".join(self._data)
        self._name, self._data = "", []
        return [Event(name, _document(data), self.last_id)] if data else []


def _document(data: str) -> dict[str, Any]:
    try:
        document = json.loads(data)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise UnexpectedAnswer(f"an event whose data is no JSON object: {data[:200]!r}")
    return cast("dict[str, Any]", document)
