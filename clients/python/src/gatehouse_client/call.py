"""What is asked of the API, before anything is sent."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, TypeAlias
from urllib.parse import quote

from pydantic_core import to_json

from gatehouse_client.model import Model

Upload: TypeAlias = bytes | Path | BinaryIO
"""What is sent as it is: bytes, a file by its path, or an open file, read from its beginning each time."""

Match: TypeAlias = str | Model
"""The version that a change is meant for: an ETag, or what was read with one."""

_REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})  # idempotent, RFC 9110 section 9.2.2


@dataclass(frozen=True)
class Call:
    """One call of the API; it stays the same over all its attempts.

    ``operation`` is method and path template, ``signed`` whether it goes with the credential, ``streamed`` whether the
    body of the answer is left to be read, ``harmless`` whether a POST may be sent twice without a key.
    """

    method: str
    path: str
    operation: str = ""
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    content: Upload | None = None
    signed: bool = True
    streamed: bool = False
    harmless: bool = False

    @property
    def repeatable(self) -> bool:
        """Whether it may be sent again when nobody knows whether it was done.

        A change with If-Match alone may not: its own first attempt would make the second one fail.
        """
        if "Idempotency-Key" in self.headers or self.harmless:
            return True
        return self.method in _REPEATABLE and "If-Match" not in self.headers

    def with_headers(self, **headers: str) -> Call:
        """The same with further headers, ``_`` for ``-``."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return replace(self, headers={**self.headers, **named})


def path_of(template: str, *parts: object) -> str:
    """A path with its ``{}`` filled in; ValueError for a part that would make it another path."""
    texts = [str(part) for part in parts]
    if any(text in ("", ".", "..") for text in texts):
        raise ValueError(f"not a part of a path: {texts}")
    return template.format(*(quote(text, safe="") for text in texts))


def query_of(**given: object) -> tuple[tuple[str, str], ...]:
    """The query, without what is None; a trailing ``_`` keeps a name off Python's keywords."""
    return tuple((name.rstrip("_"), _text(value)) for name, value in given.items() if value is not None)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, datetime) else str(value)


def json_of(**given: object) -> bytes:
    """The body as JSON, without what is None; Decimals as strings, times as RFC 3339."""
    return to_json({name.rstrip("_"): value for name, value in given.items() if value is not None})


def headers_of(
    content_type: str | None = None,
    *,
    idempotency_key: str | None = None,
    keyed: bool = False,
    if_match: Match | None = None,
) -> dict[str, str]:
    """The headers of a call; ``keyed`` makes an Idempotency-Key where none is given.

    ValueError when ``if_match`` came without an ETag.
    """
    headers = {"Content-Type": content_type} if content_type else {}
    if keyed:
        headers["Idempotency-Key"] = idempotency_key or secrets.token_urlsafe(24)
    if if_match is not None:
        etag = if_match if isinstance(if_match, str) else if_match.answer.etag
        if etag is None:
            raise ValueError("what was given as if_match came without an ETag")
        headers["If-Match"] = etag
    return headers
