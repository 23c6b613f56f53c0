"""Header sections of requests that came before, to the byte: what the parser made of them then holds again.

A client repeats all it says but two ids, its request's and its trace's: they are taken out before the section is
looked up. One memory for all connections, since a client, or a proxy for many, has several.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.data.request_head import RequestHead

MAX_SECTION = 4096
_MOST = 1024
# A line that nothing continues, with a value that every parser reads the same.
_ID = re.compile(rb"\r\n((?i:x-request-id|traceparent)): ?([!-~]{1,128})(?=\r\n[^ \t])")


# A section without its ids, and those by their names.
Bare = tuple[bytes, dict[bytes, bytes]]


class KnownHeads:
    """Two generations: who is asked for again outlives who is not. At most some ten megabytes."""

    __slots__ = ("_old", "_young")

    def __init__(self) -> None:
        self._young: dict[bytes, RequestHead] = {}
        self._old: dict[bytes, RequestHead] = {}

    def find(self, section: bytes) -> RequestHead | Bare:
        """The head of all that follows a request line, from its CRLF up to the empty line, if that is one.

        Where none is known: what ``learn`` wants, once the parser has taken ``section`` for a whole request.
        """
        head = self._find(section)
        if head is not None:
            return head
        bare, ids = _without_ids(section)
        known = self._find(bare) if ids else None
        head = known.with_ids(ids) if known is not None else None
        return (bare, ids) if head is None else head

    def _find(self, section: bytes) -> RequestHead | None:
        head = self._young.get(section)
        if head is None:
            head = self._old.get(section)
            if head is not None:
                self._keep(section, head)
        return head

    def learn(self, missed: Bare, head: RequestHead) -> None:
        """The parser made ``head`` of what ``find`` did not know."""
        bare, ids = missed
        known = head.without(ids) if ids else head
        if known is not None and len(bare) <= MAX_SECTION:
            self._keep(bare, known)

    def _keep(self, section: bytes, head: RequestHead) -> None:
        if len(self._young) >= _MOST:
            self._old, self._young = self._young, {}
        self._young[section] = head


def _without_ids(section: bytes) -> Bare:
    """As it is where one of them is there twice, or where it is long."""
    found = _ID.findall(section) if len(section) <= MAX_SECTION else ()
    if not found:
        return section, {}
    ids = {name.lower(): value for name, value in found}
    return (_ID.sub(b"", section), ids) if len(ids) == len(found) else (section, {})
