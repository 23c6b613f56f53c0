"""Puts the head of an answer together: the upstream's for a forwarded request, our own for a refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.cache.invalidation import SAFE
from gateway.data.answer_body import AnswerBody
from gateway.data.answer_head import AnswerHead, bodiless, status_line
from gateway.data.compression import (
    coded_etag,
    compressible,
    encoder,
    negotiate,
    tag_sent,
)
from gateway.data.standing_headers import repeated

if TYPE_CHECKING:
    from gateway.data.exchange import Exchange
    from gateway.problem import Refusal
    from gateway.upstream.known_answers import KnownHead

_NONE: frozenset[bytes] = frozenset()
_CREDENTIALS = frozenset({b"authorization", b"x-api-key"})
_CODED = frozenset({b"etag", b"accept-ranges", b"content-md5"})


def refusal_head(exchange: Exchange, refusal: Refusal, length: int) -> bytes:
    """Head of a problem document of ``length`` bytes."""
    exchange.status = refusal.status
    exchange.head_sent = True
    lines = [status_line(refusal.status), b"date: ", exchange.gateway.date(), b"\r\n"]
    if length:
        lines.append(b"content-type: application/problem+json\r\ncontent-length: %d\r\n" % length)
        lines.append(b"cache-control: no-store\r\n")
    lines += [name + b": " + value + b"\r\n" for name, value in refusal.headers]
    _ours(exchange, lines)
    return b"".join(lines)


def interim_head(exchange: Exchange, status: int, headers: list[tuple[bytes, bytes]]) -> bytes | None:
    """A 1xx that passes (RFC 9110 section 15.2): 100 to who asked for it, the others to who can read them."""
    if not exchange.head.http11 or (status == 100 and not exchange.head.expects_continue):  # noqa: PLR2004
        return None
    head = AnswerHead.read(status, headers)
    return b"".join([status_line(status), *head.end_to_end(_NONE), b"\r\n"])


def answer_head(exchange: Exchange, head: AnswerHead) -> bytes:
    """Head of a forwarded answer; chooses the framing and makes ``exchange.body``."""
    exchange.status = head.status
    exchange.head_sent = True
    silent = bodiless(exchange.method, head.status)
    length = head.content_length
    coding = None
    if exchange.gateway.settings.compress and compressible(head.status, head.fields, length):
        coding = _coding(exchange)
    lines = _passed_on(exchange, head, coding, length)
    if exchange.caching is not None:
        lines.append(exchange.caching.status_line())
    chunked = False
    if coding is None and length is not None and head.status != 204:  # noqa: PLR2004 - RFC 9110 section 8.6
        lines.append(b"content-length: %d\r\n" % length)
    elif not silent:
        chunked = exchange.head.http11
        exchange.keep_alive = exchange.keep_alive and chunked
        if chunked:
            lines.append(b"transfer-encoding: chunked\r\n")
    exchange.body = AnswerBody(
        None if coding is None or silent else encoder(coding),
        None if silent else length,
        chunked=chunked,
        silent=silent,
        flushes=length is None,
    )
    if not exchange.body_read or exchange.client.draining:
        exchange.keep_alive = False
    _ours(exchange, lines, with_policy=b"content-security-policy" not in head.fields)
    return b"".join(lines)


def whole_answer_head(exchange: Exchange, known: KnownHead) -> bytes | None:
    """Head of a forwarded answer whose head repeats and whose body passes as it is; None where more is to be done."""
    found = exchange.match
    assert found is not None  # noqa: S101 - only a routed request is forwarded
    route = found.route
    if route.changes is not None and exchange.method not in SAFE:
        return None
    kind = (route, found.by_accept, _CREDENTIALS.isdisjoint(exchange.head.fields))
    made = known.made.get(kind)
    if made is None:
        made = known.made[kind] = _repeating(exchange, AnswerHead.read(known.status, known.headers))
    lines, with_policy = made
    return kept_answer_head(exchange, known.status, lines, with_policy=with_policy) if lines else None


def _repeating(exchange: Exchange, head: AnswerHead) -> tuple[bytes, bool]:
    """The lines that are the same in each answer with this head, none where they may differ; whether ours is added."""
    length = head.content_length
    if (
        length is None
        or b"date" not in head.fields
        or bodiless(exchange.method, head.status)
        or (exchange.gateway.settings.compress and compressible(head.status, head.fields, length))
    ):
        return b"", False
    lines = [*_passed_on(exchange, head, None, length), b"content-length: %d\r\n" % length]
    return b"".join(lines), b"content-security-policy" not in head.fields


def _passed_on(exchange: Exchange, head: AnswerHead, coding: bytes | None, length: int | None) -> list[bytes]:
    """Status line and header lines of the service's answer, as the client gets them."""
    found = exchange.match
    lines = [status_line(head.status)]
    replaced = found.route.replaced if found is not None else _NONE
    if coding is None and not (exchange.gateway.settings.compress and compressible(head.status, head.fields, length)):
        lines += head.end_to_end(replaced | _known_etag(exchange, head, lines))
    else:
        if coding is not None:
            replaced |= _CODED
            lines += (b"content-encoding: ", coding, b"\r\n")
            if b"etag" in head.fields:
                lines += (b"etag: ", coded_etag(head.fields[b"etag"], coding), b"\r\n")
        lines += head.end_to_end(replaced)
        _vary(lines, head, b"Accept-Encoding")
    if found is not None and found.by_accept:
        _vary(lines, head, b"Accept")
    _leave_nothing_out(exchange, head, lines)
    return lines


def kept_answer_head(exchange: Exchange, status: int, lines: bytes, *, with_policy: bool) -> bytes:
    """Head of an answer from the cache: ``lines``, status line first, and what is this request's own."""
    exchange.status = status
    exchange.head_sent = True
    if not exchange.body_read or exchange.client.draining:
        exchange.keep_alive = False
    out = [lines]
    _ours(exchange, out, with_policy=with_policy)
    return b"".join(out)


def _leave_nothing_out(exchange: Exchange, head: AnswerHead, lines: list[bytes]) -> None:
    """Put in what the service should have said, or says by the routes file."""
    route, fields = exchange.match.route if exchange.match is not None else None, head.fields
    if route is not None and route.answer_lines:
        lines.append(route.answer_lines)
    stated = b"cache-control" in fields or (route is not None and b"cache-control" in route.replaced)
    if not stated and not _CREDENTIALS.isdisjoint(exchange.head.fields):
        # A cache keeps an answer to Authorization to itself (RFC 9111 section 3.5), but knows nothing of X-API-Key.
        lines.append(b"cache-control: private, no-cache\r\n")
    if b"date" not in fields:
        lines += (b"date: ", exchange.gateway.date(), b"\r\n")


def _coding(exchange: Exchange) -> bytes | None:
    accepts = exchange.head.fields.get(b"accept-encoding")
    if accepts is None or b"range" in exchange.head.fields:
        return None
    return negotiate(accepts)


def _known_etag(exchange: Exchange, head: AnswerHead, lines: list[bytes]) -> frozenset[bytes]:
    """A 304 names the tag the client sent, not the one the upstream knows, and varies as its 200 does."""
    if head.status != 304:  # noqa: PLR2004 - RFC 9110 section 15.4.5
        return _NONE
    _vary(lines, head, b"Accept-Encoding")
    sent = exchange.head.fields.get(b"if-none-match")
    etag = head.fields.get(b"etag")
    if sent is None or etag is None:
        return _NONE
    lines += (b"etag: ", tag_sent(sent, etag), b"\r\n")
    return frozenset({b"etag"})


def _vary(lines: list[bytes], head: AnswerHead, name: bytes) -> None:
    present = head.fields.get(b"vary", b"").lower()
    if b"*" not in present and name.lower() not in (part.strip() for part in present.split(b",")):
        lines += (b"vary: ", name, b"\r\n")


def _ours(exchange: Exchange, lines: list[bytes], *, with_policy: bool = True) -> None:
    """Put in what the gateway says of every answer, and the end of the head."""
    found, trace, verdict = exchange.match, exchange.trace, exchange.verdict
    version = b""
    if found is not None:
        route = found.route
        version = route.version_bytes
        if route.sunset is not None:
            sunset = route.sunset
            lines += (b"deprecation: ", sunset.deprecation, b"\r\nsunset: ", sunset.sunset, b"\r\nlink: ")
            lines += (sunset.link(found.parameters), b"\r\n")
        if found.varies:
            lines += (b"vary: ", b", ".join(found.varies), b"\r\n")
    if exchange.cors:
        lines.append(exchange.cors)
    lines += (
        b"x-request-id: ",
        exchange.request_id,
        b"\r\ntraceresponse: ",
        trace.traceresponse(),
        b"\r\n",
        repeated(version, with_policy),
        verdict.headers if verdict is not None else b"",
        b"\r\n" if exchange.keep_alive else b"connection: close\r\n\r\n",
    )
