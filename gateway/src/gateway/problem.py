"""Errors the gateway answers by itself, as ``application/problem+json`` (RFC 9457)."""

from http import HTTPStatus

import orjson

Headers = tuple[tuple[bytes, bytes], ...]

_TITLES = {status.value: status.phrase for status in HTTPStatus}


class Refusal(Exception):  # noqa: N818 - a decision, not a fault
    """A request ends here: status, a stable code for programs, a sentence for people, and further headers."""

    def __init__(self, status: int, code: str, detail: str, *, headers: Headers = (), close: bool = False) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = headers
        self.close = close


def problem_body(refusal: Refusal, instance: bytes, trace_id: str) -> bytes:
    """The document; ``instance`` is the path as it was sent, without its query, which may hold secrets."""
    return orjson.dumps(
        {
            "type": "about:blank",
            "title": _TITLES.get(refusal.status, "Error"),
            "status": refusal.status,
            "detail": refusal.detail,
            "code": refusal.code,
            "instance": instance.partition(b"?")[0].decode("latin-1"),
            "trace_id": trace_id,
        }
    )
