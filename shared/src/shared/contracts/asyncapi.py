"""The AsyncAPI 3 document of a service: what it says, by its schemas, and what it hears, by its subscriptions."""

from collections.abc import Iterable, Mapping
from typing import Any

from shared.contracts.schemas import ContractError, EventSchema
from shared.messaging.event import CONTENT_TYPE
from shared.messaging.subscription import Subscription
from shared.messaging.topology import EVENTS

ASYNCAPI = "3.0.0"

_TEXT = {"type": "string", "minLength": 1, "maxLength": 500}
CLOUD_EVENT: dict[str, Any] = {
    "description": "CloudEvents 1.0, structured mode; unknown attributes are ignored.",
    "type": "object",
    "required": ["specversion", "id", "source", "type", "subject", "time", "data"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {**_TEXT, "description": "Unique: a consumer handles each id once."},
        "source": _TEXT,
        "type": _TEXT,
        "subject": {**_TEXT, "description": "The aggregate, such as orders/42."},
        "time": {"type": "string", "format": "date-time"},
        "datacontenttype": {"const": "application/json"},
        "traceparent": {"type": "string", "description": "W3C Trace Context of the change."},
        "data": {"type": "object", "description": "The aggregate after the change, with its version."},
    },
}


def service_document(
    service: str, version: str, schemas: Mapping[str, EventSchema], subscriptions: Iterable[Subscription]
) -> dict[str, Any]:
    """The document; ``data`` are references to the files of the schemas. Raises ContractError on an unknown type."""
    said = [schema.type for schema in schemas.values() if schema.service == service]
    heard = {subscription.queue: sorted(subscription.types) for subscription in subscriptions}
    types = sorted({*said, *(each for types in heard.values() for each in types)})
    if unknown := [each for each in types if each not in schemas]:
        raise ContractError(f"{service}: no service has a schema of {', '.join(unknown)}")
    return {
        "asyncapi": ASYNCAPI,
        "info": {"title": service, "version": version, "description": f"The events that {service} says and hears."},
        "defaultContentType": CONTENT_TYPE,
        "channels": {
            **{each: _exchange_channel(each) for each in said},
            **{queue: _queue_channel(queue, types) for queue, types in heard.items()},
        },
        "operations": {
            **{f"say.{each}": _operation("send", each, [each]) for each in said},
            **{f"hear.{queue}": _operation("receive", queue, types) for queue, types in heard.items()},
        },
        "components": {
            "messages": {each: _message(schemas[each], _file_of(schemas[each], service)) for each in types},
            "schemas": {"CloudEvent": CLOUD_EVENT},
        },
    }


def _file_of(schema: EventSchema, service: str) -> str:
    folder = "." if schema.service == service else f"../{schema.service}"
    return f"{folder}/events/{schema.type}.json"


def _exchange_channel(event_type: str) -> dict[str, Any]:
    exchange = {"name": EVENTS, "type": "topic", "durable": True, "autoDelete": False}
    return {
        "address": event_type,
        "messages": _references([event_type]),
        "bindings": {"amqp": {"is": "routingKey", "exchange": exchange, "bindingVersion": "0.3.0"}},
    }


def _queue_channel(queue: str, types: Iterable[str]) -> dict[str, Any]:
    described = {"name": queue, "durable": True, "exclusive": False, "autoDelete": False}
    return {
        "address": queue,
        "description": f"A quorum queue bound to {EVENTS} by each type. What cannot be handled: {queue}.parked.",
        "messages": _references(types),
        "bindings": {"amqp": {"is": "queue", "queue": described, "bindingVersion": "0.3.0"}},
    }


def _references(types: Iterable[str]) -> dict[str, Any]:
    return {each: {"$ref": f"#/components/messages/{each}"} for each in types}


def _operation(action: str, channel: str, types: Iterable[str]) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{each}"} for each in types],
    }


def _message(schema: EventSchema, data: str) -> dict[str, Any]:
    properties = {"type": {"const": schema.type}, "data": {"$ref": data}}
    return {
        "name": schema.type,
        "title": schema.type,
        "summary": schema.document.get("description", schema.type),
        "contentType": CONTENT_TYPE,
        "payload": {"allOf": [{"$ref": "#/components/schemas/CloudEvent"}, {"properties": properties}]},
    }
