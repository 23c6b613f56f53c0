"""The head of the answer as the client gets it: framing chosen anew, hop-by-hop dropped, ours put in."""

from dataclasses import dataclass
from http import HTTPStatus

from gateway.data.forwarded_head import HOP_BY_HOP, connection_names
from gateway.data.standing_headers import OURS

_STATUS_LINES = {status.value: b"HTTP/1.1 %d %b\r\n" % (status, status.phrase.encode()) for status in HTTPStatus}
_DROPPED = HOP_BY_HOP | OURS | {b"content-length"}


def reserved(name: bytes) -> bool:
    """Whether a header of answers (name in lower case) is the gateway's own to state, and no route's to set."""
    return name in _DROPPED or name.startswith((b"access-control-", b"ratelimit", b"x-ratelimit"))


def status_line(status: int) -> bytes:
    """With the standard phrase; the upstream's own is dropped."""
    return _STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status


def bodiless(method: bytes, status: int) -> bool:
    """Whether the answer has no body whatever its headers say (RFC 9112 section 6.3)."""
    return method == b"HEAD" or status in (204, 304) or status < 200  # noqa: PLR2004 - the 1xx


@dataclass(slots=True)
class AnswerHead:
    """Status and headers from the upstream (names in lower case) and the fields the gateway looks at."""

    status: int
    headers: list[tuple[bytes, bytes]]
    fields: dict[bytes, bytes]

    @classmethod
    def read(cls, status: int, headers: list[tuple[bytes, bytes]]) -> "AnswerHead":
        """One pass; of a repeated header the last is kept in ``fields``."""
        return cls(status, headers, dict(headers))

    @property
    def content_length(self) -> int | None:
        """None where the upstream did not say."""
        value = self.fields.get(b"content-length")
        return int(value) if value is not None and value.isdigit() else None

    def end_to_end(self, replaced: frozenset[bytes]) -> list[bytes]:
        """The header lines that pass, each Set-Cookie a line of its own."""
        named = connection_names(self.fields.get(b"connection"))
        if not replaced and not named:
            return [b"%b: %b\r\n" % line for line in self.headers if line[0] not in _DROPPED]
        lines: list[bytes] = []
        for name, value in self.headers:
            if name in _DROPPED or name in replaced or name in named:
                continue
            lines += (name, b": ", value, b"\r\n")
        return lines
