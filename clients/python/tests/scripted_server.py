"""A real server of the test's own, which answers what the test scripts."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Seen:
    """A request as the server got it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Say:
    """An answer; ``cut`` closes the connection after so many bytes of the body, 0 before a status line is sent."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None


Answering = Say | Callable[[Seen], Say]


class Script:
    """What comes next, or always; and what was asked."""

    def __init__(self) -> None:
        self.url = ""
        self.seen: list[Seen] = []
        self.lock = threading.Lock()
        self.next: list[Answering] = []
        self.always: Answering = Say(404, {"code": "not_scripted"})

    def then(self, *answers: Answering) -> None:
        self.next += answers

    def answer(self, seen: Seen) -> Say:
        with self.lock:
            self.seen.append(seen)
            answering = self.next.pop(0) if self.next else self.always
        return answering if isinstance(answering, Say) else answering(seen)
