"""The AsyncAPI document of all services together, with the schemas in it, for a reader without the files."""

from collections.abc import Iterable, Mapping
from typing import Any

from shared.contracts.asyncapi import ASYNCAPI, CLOUD_EVENT
from shared.contracts.schemas import EventSchema
from shared.messaging.event import CONTENT_TYPE


def system_document(documents: Iterable[Mapping[str, Any]], schemas: Mapping[str, EventSchema]) -> dict[str, Any]:
    """One document of the services' ones; an operation is named after its service."""
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    for document in documents:
        service: str = document["info"]["title"]
        channels.update(document["channels"])
        operations.update({f"{service}.{name}": each for name, each in document["operations"].items()})
        messages.update(
            {name: _with_schema_inside(message) for name, message in document["components"]["messages"].items()}
        )
    used = {event_type: _without_dialect(schemas[event_type].document) for event_type in sorted(messages)}
    return {
        "asyncapi": ASYNCAPI,
        "info": {
            "title": "gatehouse",
            "version": "1.0.0",
            "description": "Every event, who says it and who hears it. Made of services/*/asyncapi.json.",
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": {"CloudEvent": CLOUD_EVENT, **used}},
    }


def _with_schema_inside(message: Mapping[str, Any]) -> dict[str, Any]:
    envelope, _ = message["payload"]["allOf"]
    properties = {
        "type": {"const": message["name"]},
        "data": {"$ref": f"#/components/schemas/{message['name']}"},
    }
    return {**message, "payload": {"allOf": [envelope, {"properties": properties}]}}


def _without_dialect(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {keyword: value for keyword, value in schema.items() if keyword != "$schema"}
