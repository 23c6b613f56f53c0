"""``Cache-Control`` of requests and answers (RFC 9111 section 5.2, RFC 5861), and the dates beside it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import lru_cache

# Possessive throughout: a client's header of 30 kB of spaces must not be tried in all the ways to divide them.
_ITEM = re.compile(
    rb"\s*+([!#$%&'*+.^_`|~0-9A-Za-z-]++)\s*+(?:=\s*+(?:\"((?:[^\"\\]|\\.)*+)\"|([^\s,\"]*+)))?+\s*+(?:,|\Z)"
)
_LONG = 256
# Larger numbers mean this one (RFC 9111 section 1.2.2).
_FOREVER = 2**31


@dataclass(frozen=True, slots=True)
class Directives:
    """Seconds, or None where a directive is not there. ``private`` and ``no_cache`` also when they name fields."""

    no_store: bool = False
    no_cache: bool = False
    private: bool = False
    public: bool = False
    must_revalidate: bool = False
    proxy_revalidate: bool = False
    must_understand: bool = False
    only_if_cached: bool = False
    max_age: int | None = None
    s_maxage: int | None = None
    min_fresh: int | None = None
    max_stale: int | None = None
    stale_while_revalidate: int | None = None
    stale_if_error: int | None = None

    @property
    def says_shared(self) -> bool:
        """Whether a shared cache may keep what was asked with credentials (RFC 9111 section 3.5)."""
        return self.public or self.must_revalidate or self.s_maxage is not None


NONE = Directives()
_FLAGS = frozenset(name for name, kind in Directives.__annotations__.items() if kind is bool)
_SECONDS = frozenset(Directives.__annotations__) - _FLAGS


def directives(value: bytes) -> Directives:
    """A whole ``Cache-Control`` value. Of a directive that is there twice the first counts."""
    return _remembered(value) if len(value) <= _LONG else _parsed(value)


@lru_cache(maxsize=512)
def _remembered(value: bytes) -> Directives:
    return _parsed(value)


def _parsed(value: bytes) -> Directives:
    found: dict[str, bool | int] = {}
    position = 0
    while position < len(value):
        item = _ITEM.match(value, position)
        if item is None:
            # Not a list: go on behind the next comma, as if the member were not there.
            position = value.find(b",", position) + 1 or len(value)
            continue
        position = item.end()
        name = item[1].lower().decode("ascii").replace("-", "_")
        if name in _FLAGS:
            found.setdefault(name, True)
        elif name in _SECONDS:
            argument = item[2] if item[2] is not None else item[3]
            if argument is None and name == "max_stale":
                found.setdefault(name, _FOREVER)
            else:
                found.setdefault(name, _number(argument))
    return Directives(**found)  # pyright: ignore[reportArgumentType] - flags are bool, the rest int, by _FLAGS


def _number(text: bytes | None) -> int:
    """Seconds; what is no number makes the answer stale, and that is 0."""
    return min(int(text[:12]), _FOREVER) if text is not None and text.isdigit() else 0


@lru_cache(maxsize=1024)
def http_date(value: bytes) -> float | None:
    """Unix time of an HTTP-date (RFC 9110 section 5.6.7); None for anything else."""
    if len(value) > 40 or (b"," not in value and not value[:3].isalpha()):  # noqa: PLR2004
        return None
    try:
        moment = parsedate_to_datetime(value.decode("ascii"))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, UnicodeDecodeError, OverflowError):
        return None


def joined(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes:
    """All lines of a list header as one value."""
    return b", ".join([value for key, value in headers if key == name])


def first(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    """The first line of a header that should be there once."""
    return next((value for key, value in headers if key == name), None)
