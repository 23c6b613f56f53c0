"""Compression, redaction, trace context, retry budget: each rule by itself."""

import time

import pytest

from gateway.data.compression import coded_etag, compressible, negotiate, plain_etags, tag_sent
from gateway.telemetry.access_log import redacted
from gateway.telemetry.trace_context import TraceContext
from gateway.upstream.retry_budget import RetryBudget


@pytest.mark.parametrize(
    ("header", "coding"),
    [
        (b"gzip, deflate, br, zstd", b"zstd"),
        (b"gzip, br", b"br"),
        (b"br;q=0.5, gzip;q=0.9", b"gzip"),
        (b"*", b"zstd"),
        (b"*;q=0.5, zstd;q=0", b"br"),
        (b"GZIP", b"gzip"),
        (b"", None),
        (b"identity", None),
        (b"gzip;q=0", None),
        (b"gzip;q=0.4, identity;q=0.5", None),
    ],
)
def test_the_coding_is_chosen_by_weight_then_by_us(header: bytes, coding: bytes | None):
    assert negotiate(header) == coding


@pytest.mark.parametrize(
    ("status", "fields", "length", "worth"),
    [
        (200, {b"content-type": b"application/json"}, 5000, True),
        (200, {b"content-type": b"application/problem+json"}, None, True),
        (200, {b"content-type": b"TEXT/HTML; charset=utf-8"}, 5000, True),
        (200, {b"content-type": b"application/json"}, 100, False),
        (206, {b"content-type": b"application/json"}, 5000, False),
        (304, {b"content-type": b"application/json"}, None, False),
        (200, {b"content-type": b"text/event-stream"}, None, False),
        (200, {b"content-type": b"application/pdf"}, 5000, False),
        (200, {b"content-type": b"text/plain", b"content-encoding": b"br"}, 5000, False),
        (200, {b"content-type": b"text/plain", b"cache-control": b"no-transform"}, 5000, False),
        (200, {}, 5000, False),
    ],
)
def test_what_is_worth_compressing(status: int, fields: dict[bytes, bytes], length: int | None, *, worth: bool):
    assert compressible(status, fields, length) is worth


def test_tags_of_coded_answers_and_back():
    assert coded_etag(b'"7"', b"br") == b'"7-br"'
    assert coded_etag(b'W/"7"', b"br") == b'W/"7"'
    assert plain_etags(b'"7-br", W/"8-gzip", "9", *') == b'"7", W/"8", "9", *'
    assert tag_sent(b'"6-br", "7-gzip"', b'"7"') == b'"7-gzip"'
    assert tag_sent(b'"7"', b'"7"') == b'"7"'


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        (b"page=2&token=abc", b"page=2&token=***"),
        (b"access_token=a&x=1&Refresh_Token=b", b"access_token=***&x=1&Refresh_Token=***"),
        (b"code=1&state=2", b"code=***&state=2"),
        (b"q=token", b"q=token"),
        (b"client_secret=", b"client_secret=***"),
        (b"X-Amz-Signature=f&a", b"X-Amz-Signature=***&a"),
        (b"\xff=1", b"\xff=1"),
        (b"%74oken=abc&to%6Ben=abc&%zz=1", b"%74oken=***&to%6Ben=***&%zz=1"),
        (b"token", b"token"),
        (b"token=a=b&&=1", b"token=***&&=1"),
    ],
)
def test_secrets_in_queries_are_blanked(query: bytes, shown: bytes):
    assert redacted(query) == shown


@pytest.mark.parametrize("word", [b"sig", b"session", b"tokensigkeycodeauthjwt", b"a", b"%74", b"&", b"="])
def test_redaction_is_linear_in_the_query(word: bytes):
    """A search that starts again at each letter takes seconds of the loop for this, and 30 ms for a real target."""
    query = (word * 65536)[:65536]
    started = time.process_time()
    redacted(query)
    assert time.process_time() - started < 0.5


def test_sampling_is_decided_by_the_caller_else_by_the_ratio():
    parent = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-"
    assert TraceContext(parent + b"01", 0.0).sampled
    assert not TraceContext(parent + b"00", 1.0).sampled
    assert TraceContext(None, 1.0).sampled
    assert not TraceContext(None, 0.0).sampled
    some = sum(TraceContext(None, 0.3).sampled for _ in range(2000))
    assert 400 < some < 800


def test_a_future_version_of_traceparent_is_read_as_far_as_it_is_known():
    given = b"01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more"
    assert TraceContext(given, 0.0).trace_hex == "4bf92f3577b34da6a3ce929d0e0e4736"
    same_as_00 = given.replace(b"01-4b", b"00-4b")
    assert TraceContext(same_as_00, 0.0).trace_hex != "4bf92f3577b34da6a3ce929d0e0e4736"


def test_retries_are_a_share_of_the_requests():
    budget = RetryBudget()
    while budget.retry():
        pass
    for _ in range(100):
        budget.request()
    granted = 0
    while budget.retry():
        granted += 1
    assert granted in (19, 20)
