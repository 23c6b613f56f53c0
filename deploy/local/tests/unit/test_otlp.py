"""Exports come in as protobuf or JSON, plain or gzipped, and mean the same."""

import gzip

import orjson
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from local_stack.traces.otlp import (
    JSON,
    PROTOBUF,
    ExportTooLargeError,
    MalformedExportError,
    decode,
    inflate,
)

TRACE_ID = "5b8efff798038103d269b633813fc60c"
SPAN_ID = "eee19b7ec3c1b174"
PARENT_ID = "aee19b7ec3c1b173"


def json_export() -> bytes:
    span = {
        "traceId": TRACE_ID,
        "spanId": SPAN_ID,
        "parentSpanId": PARENT_ID,
        "name": "POST /orders",
        "kind": 2,
        "startTimeUnixNano": "1544712660000000999",
        "endTimeUnixNano": "1544712661000000999",
        "attributes": [
            {"key": "http.response.status_code", "value": {"intValue": "201"}},
            {"key": "sampled", "value": {"boolValue": True}},
            {"key": "list", "value": {"arrayValue": {"values": [{"stringValue": "a"}, {"doubleValue": 1.5}]}}},
        ],
        "events": [
            {
                "name": "limit",
                "timeUnixNano": "1544712660500000000",
                "attributes": [{"key": "remaining", "value": {"intValue": "9"}}],
            }
        ],
        "links": [{"traceId": TRACE_ID, "spanId": PARENT_ID}],
        "status": {"code": 2, "message": "out of stock"},
        "fieldOfTheFuture": 1,
    }
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "orders"}}]}
    scope_spans = [{"scope": {"name": "fastapi"}, "spans": [span]}]
    return orjson.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": scope_spans}]})


def protobuf_export() -> bytes:
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    attribute = resource_spans.resource.attributes.add(key="service.name")
    attribute.value.string_value = "orders"
    scope_spans = resource_spans.scope_spans.add()
    scope_spans.scope.name = "fastapi"
    span = scope_spans.spans.add(
        trace_id=bytes.fromhex(TRACE_ID),
        span_id=bytes.fromhex(SPAN_ID),
        parent_span_id=bytes.fromhex(PARENT_ID),
        name="POST /orders",
        kind=2,
        start_time_unix_nano=1544712660000000999,
        end_time_unix_nano=1544712661000000999,
    )
    span.attributes.add(key="http.response.status_code").value.int_value = 201
    span.attributes.add(key="sampled").value.bool_value = True
    values = span.attributes.add(key="list").value.array_value.values
    values.add(string_value="a")
    values.add(double_value=1.5)
    event = span.events.add(name="limit", time_unix_nano=1544712660500000000)
    event.attributes.add(key="remaining").value.int_value = 9
    span.links.add(trace_id=bytes.fromhex(TRACE_ID), span_id=bytes.fromhex(PARENT_ID))
    span.status.code = 2
    span.status.message = "out of stock"
    return request.SerializeToString()


def test_both_encodings_give_the_same_span():
    assert decode(json_export(), JSON) == decode(protobuf_export(), PROTOBUF)


def test_a_span_is_kept_in_jaegers_terms():
    (span,) = decode(protobuf_export(), PROTOBUF)

    assert (span.trace_id, span.span_id, span.parent_span_id) == (TRACE_ID, SPAN_ID, PARENT_ID)
    assert (span.service, span.operation, span.kind) == ("orders", "POST /orders", "server")
    assert (span.start, span.duration) == (1544712660000000, 1000000)
    assert span.tags == [
        {"key": "http.response.status_code", "type": "int64", "value": 201},
        {"key": "sampled", "type": "bool", "value": True},
        {"key": "list", "type": "string", "value": '["a",1.5]'},
        {"key": "span.kind", "type": "string", "value": "server"},
        {"key": "otel.scope.name", "type": "string", "value": "fastapi"},
        {"key": "otel.status_code", "type": "string", "value": "ERROR"},
        {"key": "error", "type": "bool", "value": True},
        {"key": "otel.status_description", "type": "string", "value": "out of stock"},
    ]
    assert span.logs == [
        {
            "timestamp": 1544712660500000,
            "fields": [
                {"key": "event", "type": "string", "value": "limit"},
                {"key": "remaining", "type": "int64", "value": 9},
            ],
        }
    ]
    assert span.links == [{"refType": "FOLLOWS_FROM", "traceID": TRACE_ID, "spanID": PARENT_ID}]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"{", JSON),
        (b"[]", JSON),
        (b'{"resourceSpans": 5}', JSON),
        (b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"xyz"}]}]}]}', JSON),
        (b"\xff\xff\xff", PROTOBUF),
    ],
)
def test_garbage_is_refused_as_malformed(body: bytes, content_type: str):
    with pytest.raises(MalformedExportError):
        decode(body, content_type)


def test_gzip_is_undone_and_bounded():
    assert inflate(gzip.compress(b"x" * 1000), 1000) == b"x" * 1000
    with pytest.raises(ExportTooLargeError):
        inflate(gzip.compress(b"x" * 1001), 1000)


@pytest.mark.parametrize("body", [b"no gzip at all", gzip.compress(b"x" * 1000)[:-9], b""])
def test_broken_gzip_is_malformed(body: bytes):
    with pytest.raises(MalformedExportError):
        inflate(body, 1000)
