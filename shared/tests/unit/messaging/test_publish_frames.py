"""What is written by hand is what the AMQP library would have written."""

from uuid import UUID

import pamqp.frame
import pytest
from pamqp import commands
from pamqp.body import ContentBody
from pamqp.header import ContentHeader

from shared.messaging.outbox import OutboxMessage
from shared.messaging.publish_frames import UnencodableMessage, encode_publish

ID = UUID("6f0d3c52-6f9f-4b39-9bd1-3a3c9c0f9a11")
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def message(body: bytes = b"{}", *, exchange: str = "events", routing_key: str = "orders.placed.v1") -> OutboxMessage:
    return OutboxMessage(ID, exchange, routing_key, "orders/1", "application/cloudevents+json", body, TRACEPARENT)


def decode(data: bytes) -> list[object]:
    frames: list[object] = []
    while data:
        size, channel, frame = pamqp.frame.unmarshal(data)
        assert channel == 7
        frames.append(frame)
        data = data[size:]
    return frames


def encode(found: OutboxMessage, traceparent: str | None = TRACEPARENT, *, frame_max: int = 131072) -> bytes:
    return encode_publish(found, traceparent, exchange=found.exchange, channel=7, frame_max=frame_max)


def test_the_library_reads_what_is_written() -> None:
    method, header, body = decode(encode(message(b'{"a":1}')))
    assert isinstance(method, commands.Basic.Publish)
    assert (method.exchange, method.routing_key) == ("events", "orders.placed.v1")
    assert method.mandatory
    assert not method.immediate
    assert isinstance(header, ContentHeader)
    assert header.body_size == 7
    assert header.properties.content_type == "application/cloudevents+json"
    assert header.properties.message_id == str(ID)
    assert header.properties.delivery_mode == 2
    assert header.properties.headers == {"traceparent": TRACEPARENT}
    assert isinstance(body, ContentBody)
    assert body.value == b'{"a":1}'


def test_without_a_trace_there_are_no_headers() -> None:
    _, header, _ = decode(encode(message(), None))
    assert isinstance(header, ContentHeader)
    assert header.properties.headers is None


@pytest.mark.parametrize(("size", "frames"), [(0, 0), (1, 1), (4088, 1), (4089, 2), (10_000, 3)])
def test_a_body_is_cut_into_frames_the_broker_takes(size: int, frames: int) -> None:
    content = bytes(index % 251 for index in range(size))
    data = encode(message(content), frame_max=4096)
    bodies = [frame for frame in decode(data) if isinstance(frame, ContentBody)]
    assert len(bodies) == frames
    assert b"".join(body.value for body in bodies) == content
    assert all(len(body.value) + 8 <= 4096 for body in bodies)


@pytest.mark.parametrize("text", ["k" * 256, "ü" * 128])
def test_a_name_above_255_bytes_is_refused_in_words(text: str) -> None:
    with pytest.raises(UnencodableMessage, match="256 bytes"):
        encode(message(routing_key=text))


def test_a_queue_name_in_any_script_arrives() -> None:
    method, *_ = decode(encode(message(exchange="", routing_key="aufträge.größe")))
    assert isinstance(method, commands.Basic.Publish)
    assert (method.exchange, method.routing_key) == ("", "aufträge.größe")
