"""A producer's span for a publication in the trace of its row; nothing where that trace is not recorded."""

from opentelemetry import context, propagate, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from shared.messaging.outbox import OutboxMessage

tracer = trace.get_tracer(__name__)

# The last bit of the flags (W3C Trace Context section 3.2.2.5); the others are not ours to read.
_SAMPLED = 1


def start_publish_span(message: OutboxMessage) -> tuple[Span | None, str | None]:
    """The span, if any, and the ``traceparent`` that the message carries on."""
    told = message.traceparent
    if told is None or not int(told[-2:], 16) & _SAMPLED:
        return None, told
    span = tracer.start_span(
        # As the instrumentation of aio-pika names it.
        ",".join(part for part in (message.exchange, message.routing_key) if part) + " send",
        context=propagate.extract({"traceparent": told}, context=context.Context()),
        kind=SpanKind.PRODUCER,
        attributes={
            "messaging.system": "rabbitmq",
            "messaging.destination.name": message.exchange,
            "messaging.rabbitmq.destination.routing_key": message.routing_key,
            "messaging.message.id": str(message.message_id),
        },
    )
    if not span.is_recording():
        return None, told
    carrier: dict[str, str] = {}
    propagate.inject(carrier, context=trace.set_span_in_context(span, context.Context()))
    return span, carrier.get("traceparent", told)


def end_publish_span(span: Span | None, outcome: str) -> None:
    """End it with what became of the publication."""
    if span is None:
        return
    if outcome != "confirmed":
        span.set_status(Status(StatusCode.ERROR, outcome))
    span.end()
