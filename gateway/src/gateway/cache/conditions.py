"""Conditional and range requests against a kept answer (RFC 9110 sections 13 and 14)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gateway.cache.directives import first, http_date
from gateway.data.compression import plain_etags

if TYPE_CHECKING:
    from gateway.data.request_head import RequestHead

_TAG = re.compile(rb'(?:W/)?("[^"]*")')
_RANGE = re.compile(rb"bytes\s*+=\s*+(\d{0,18}+)\s*+-\s*+(\d{0,18}+)\s*+\Z", re.IGNORECASE)


def unchanged(head: RequestHead, etag: bytes | None, modified: bytes | None) -> bool:
    """Whether the client has this representation already: then the answer is 304."""
    sent = head.fields.get(b"if-none-match")
    if sent is not None:
        if sent.strip() == b"*":
            return True
        return etag is not None and _opaque(etag) in _TAG.findall(plain_etags(sent)) + _TAG.findall(sent)
    since = http_date(head.fields.get(b"if-modified-since", b""))
    changed = http_date(modified or b"")
    return since is not None and changed is not None and changed <= since


def _opaque(etag: bytes) -> bytes:
    return etag.removeprefix(b"W/")


def asked_range(head: RequestHead, etag: bytes | None, modified: bytes | None, size: int) -> tuple[int, int] | None:
    """First byte and the one behind the last; None for the whole, ``(0, 0)`` for a range that lies outside.

    Several ranges at once are answered by the whole, which RFC 9110 section 14.2 leaves open.
    """
    found = _RANGE.match(head.fields.get(b"range", b""))
    if found is None or not _holds(head, etag, modified) or not (found[1] or found[2]):
        return None
    if not found[1]:
        last = int(found[2])
        return (max(0, size - last), size) if last and size else (0, 0)
    start, end = int(found[1]), int(found[2]) + 1 if found[2] else size
    if end <= start and found[2]:
        return None
    return (start, min(end, size)) if start < size else (0, 0)


def _holds(head: RequestHead, etag: bytes | None, modified: bytes | None) -> bool:
    condition = first(head.headers, b"if-range")
    if condition is None:
        return True
    if condition.startswith(b'"'):
        return etag is not None and condition == etag
    return modified is not None and condition == modified
