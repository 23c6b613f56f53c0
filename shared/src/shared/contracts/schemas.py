"""The JSON Schemas of events, one file a type: ``<service>/events/<type>.json``, of the service that says it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class ContractError(Exception):
    """A contract is missing, or said twice; the message is for whoever changes it."""


@dataclass(frozen=True, slots=True)
class EventSchema:
    """What the ``data`` of one type of event is."""

    type: str
    service: str
    document: Mapping[str, Any]


def read_schemas(services: Path) -> dict[str, EventSchema]:
    """Every type's schema below the folder of the services. Raises ContractError."""
    found: dict[str, EventSchema] = {}
    for path in sorted(services.glob("*/events/*.json")):
        schema = EventSchema(path.stem, path.parents[1].name, json.loads(path.read_text()))
        if schema.type in found:
            raise ContractError(f"{schema.type} is said by {found[schema.type].service} and by {schema.service}")
        if schema.document.get("title") != schema.type:
            raise ContractError(f"{path}: the title is not the type, {schema.type}")
        found[schema.type] = schema
    return found
