"""TRAPS.md, RabbitMQ 9: one trace from the request over the outbox and the broker to the handler's SQL."""

from collections.abc import Callable

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind

from shared.messaging import Bus, Consumer, Subscription
from shared.postgres import Database
from shared.testing.waiting import eventually

from .shop import effects, place, record
from .tracing import Recorder

pytestmark = pytest.mark.usefixtures("relay")
TYPES = ("orders.placed.v1",)


async def _assert_tree(recorder: Recorder, request: ReadableSpan, receive: str) -> None:
    trace_id = request.context.trace_id
    # Each ends by itself: one with the confirm, the other with the acknowledgement.
    await eventually(lambda: recorder.named(trace_id, receive) and recorder.named(trace_id, "send"))
    [send], [received] = recorder.named(trace_id, "send"), recorder.named(trace_id, receive)
    [effect] = recorder.sql(trace_id, "INTO effects")
    assert send.kind is SpanKind.PRODUCER
    assert received.kind is SpanKind.CONSUMER
    assert recorder.parent_of(send) == request.context.span_id
    assert recorder.parent_of(received) == send.context.span_id
    assert recorder.parent_of(effect) == received.context.span_id


async def test_9_the_handlers_sql_is_below_the_consumer_below_the_producer_below_the_request(
    recorder: Recorder, database: Database, bus: Bus, background: Callable[..., object]
) -> None:
    consumer = Consumer(bus, database, Subscription("traced", TYPES, record))
    background(consumer.run())
    await eventually(lambda: consumer.subscribed)
    with recorder.request("POST /orders") as request:
        await place(database, 1)
    await eventually(lambda: effects(database), ["orders/1 1"])
    await _assert_tree(recorder, request, "receive")


async def test_9_an_event_from_the_log_continues_its_old_trace(
    recorder: Recorder, database: Database, bus: Bus, background: Callable[..., object]
) -> None:
    with recorder.request("POST /orders") as request:
        await place(database, 1)
    await eventually(lambda: recorder.named(request.context.trace_id, "send"))
    background(Consumer(bus, database, Subscription("traced", TYPES, record)).run())
    await eventually(lambda: effects(database), ["orders/1 1"])
    await _assert_tree(recorder, request, "backfill")
