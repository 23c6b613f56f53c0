"""The users of RabbitMQ: one a service, which speaks in no other's name and touches no other's queue.

``events`` and its log belong to the administrator. What a service says goes to ``events.from.<service>``, which is
bound to ``events`` by the types it may say and by no others, and a service can neither bind nor write to ``events``
itself (docs/adr/0045). Its own exchanges and queues begin with its name.

Standard library only: ``deploy/compose/generate_secrets.py`` makes the same definitions on a machine without the venv.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

ADMINISTRATOR = "gatehouse"
_VHOST = "/"
_EVENTS, _LOG = "events", "events.log"
_LOG_ARGUMENTS = {
    "x-queue-type": "stream",
    "x-max-age": "7D",
    "x-max-length-bytes": 2_000_000_000,
    "x-stream-max-segment-size-bytes": 50_000_000,
}


def said_by(repository: Path, service: str) -> list[str]:
    """First words of the types of events that a service says: its name, and those of its contracts."""
    files = (repository / "services" / service / "events").glob("*.json")
    return sorted({service, *(file.name.partition(".")[0] for file in files)})


def definitions(administrator: str, services: Mapping[str, str], said: Mapping[str, Iterable[str]]) -> str:
    """What the broker loads at its start (``load_definitions``), as JSON: users, their rights, whose events are let in.

    ``administrator`` and the values of ``services`` are passwords; ``said`` are first words of types by service.
    """
    document: dict[str, Any] = {
        "vhosts": [{"name": _VHOST}],
        "users": [
            _user(ADMINISTRATOR, administrator, "administrator"),
            *(_user(name, password, "") for name, password in services.items()),
        ],
        "permissions": [
            {"user": ADMINISTRATOR, "vhost": _VHOST, "configure": ".*", "write": ".*", "read": ".*"},
            *(_permission(name) for name in services),
        ],
        "exchanges": [_exchange(_EVENTS), *(_exchange(_entry(name)) for name in services)],
        "queues": [{"name": _LOG, "vhost": _VHOST, "durable": True, "auto_delete": False, "arguments": _LOG_ARGUMENTS}],
        "bindings": [
            _binding(_EVENTS, "queue", _LOG, "#"),
            *(_binding(_entry(name), "exchange", _EVENTS, f"{word}.#") for name in services for word in said[name]),
        ],
    }
    return json.dumps(document, indent=1) + "\n"


def _entry(service: str) -> str:
    return f"{_EVENTS}.from.{service}"


def _permission(service: str) -> dict[str, str]:
    return {
        "user": service,
        "vhost": _VHOST,
        "configure": rf"^{service}\.",
        "write": rf"^({service}\..*|events\.from\.{service})$",
        "read": rf"^({service}\..*|events|events\.log)$",
    }


def _user(name: str, password: str, tags: str) -> dict[str, str]:
    """A user with the password's hash (RabbitMQ's ``rabbit_password_hashing_sha256``); the same each time."""
    salt = hashlib.sha256(f"{name} {password}".encode()).digest()[:4]
    digest = base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()
    algorithm = "rabbit_password_hashing_sha256"
    return {"name": name, "password_hash": digest, "hashing_algorithm": algorithm, "tags": tags}


def _exchange(name: str) -> dict[str, Any]:
    kept = {"durable": True, "auto_delete": False, "internal": False, "arguments": {}}
    return {"name": name, "vhost": _VHOST, "type": "topic", **kept}


def _binding(source: str, kind: str, destination: str, key: str) -> dict[str, Any]:
    return {
        "source": source,
        "vhost": _VHOST,
        "destination": destination,
        "destination_type": kind,
        "routing_key": key,
        "arguments": {},
    }
