"""What a route asks of a request beside its path: headers and query parameters that are there, equal, or absent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gateway.routes.model import WhenModel

Wanted = tuple[tuple[bytes, bytes | bool], ...]


@dataclass(frozen=True, slots=True)
class Conditions:
    """All of them must hold. A wanted value is the bytes to equal, True for present, False for absent."""

    headers: Wanted
    query: Wanted

    def __len__(self) -> int:
        return len(self.headers) + len(self.query)

    @property
    def names(self) -> tuple[bytes, ...]:
        """The request headers that decide, for ``Vary``."""
        return tuple(name for name, _ in self.headers)

    def hold(self, headers: Sequence[tuple[bytes, bytes]], query: bytes) -> bool:
        """For header lines with names in lower case. Of a repeated one any line may be the equal one."""
        if self.headers and not _all(self.headers, headers):
            return False
        return not self.query or _all(self.query, pairs(query))


def compile_conditions(model: WhenModel | None) -> Conditions:
    """From the table ``when``."""
    if model is None:
        return Conditions((), ())
    return Conditions(_wanted(model.headers, lower=True), _wanted(model.query, lower=False))


def _wanted(model: Mapping[str, str | bool], *, lower: bool) -> Wanted:
    return tuple(
        ((name.lower() if lower else name).encode(), value.encode() if isinstance(value, str) else value)
        for name, value in sorted(model.items())
    )


def pairs(query: bytes) -> list[tuple[bytes, bytes]]:
    """Names and values of a query, decoded as forms are (WHATWG URL, section 5.1)."""
    return [
        (_decoded(name), _decoded(value))
        for name, _, value in (pair.partition(b"=") for pair in query.split(b"&") if pair)
    ]


def _decoded(text: bytes) -> bytes:
    return unquote_to_bytes(text.replace(b"+", b" "))


def _all(wanted: Wanted, given: Sequence[tuple[bytes, bytes]]) -> bool:
    for name, value in wanted:
        values = [v for n, v in given if n == name]
        if value is False:
            if values:
                return False
        elif not values or (value is not True and value not in values):
            return False
    return True


def exclude_each_other(one: WhenModel | None, other: WhenModel | None) -> bool:
    """Whether no request (that says each thing once) can meet both."""
    if one is None or other is None:
        return False
    sides = (
        ({name.lower(): v for name, v in one.headers.items()}, {name.lower(): v for name, v in other.headers.items()}),
        (one.query, other.query),
    )
    return any(_differ(a[name], b[name]) for a, b in sides for name in _common(a, b))


def _common(a: Mapping[str, object], b: Mapping[str, object]) -> Iterable[str]:
    return a.keys() & b.keys()


def _differ(a: str | bool, b: str | bool) -> bool:  # noqa: FBT001 - the two spellings of a wanted value
    if a is False or b is False:
        return a is not b
    return isinstance(a, str) and isinstance(b, str) and a != b
