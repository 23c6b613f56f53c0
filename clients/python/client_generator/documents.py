"""The operations of the services' OpenAPI documents, and which method of the client is for which."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
LEFT_OUT = "left_out"

_VERSION = re.compile(r"_v(\d+)$")


class Drift(Exception):  # noqa: N818  # it is what it says
    """The client and the API have come apart in a way that has to be settled by hand."""


@dataclass(frozen=True)
class Operation:
    """One operation: the lowest version of it that is not deprecated."""

    service: str
    name: str
    version: int
    method: str
    path: str
    body: dict[str, Any]


@dataclass(frozen=True)
class Method:
    """A method of a resource; ``file`` names the one that writes what it answers to the disk."""

    name: str
    operation: Operation
    file: str | None = None


def read_documents(root: Path = ROOT) -> dict[str, dict[str, Any]]:
    """The documents by service: of each that has a folder in services/."""
    found = sorted((root / "services").glob("*/openapi.json"))
    return {path.parent.name: json.loads(path.read_text()) for path in found}


def read_table(path: Path | None = None) -> dict[str, dict[str, Any]]:
    """What resources.toml says."""
    return tomllib.loads((path or Path(__file__).with_name("resources.toml")).read_text())


def operations(documents: dict[str, dict[str, Any]]) -> dict[str, Operation]:
    """By their names without versions; Drift when two services have one of the same name."""
    found: dict[str, Operation] = {}
    for service, document in documents.items():
        for path, item in document["paths"].items():
            for method, body in item.items():
                version = _VERSION.search(body["operationId"])
                name = _VERSION.sub("", body["operationId"])
                new = Operation(service, name, int(version[1]) if version else 0, method.upper(), path, body)
                old = found.get(name)
                if old is not None and old.service != service:
                    raise Drift(f"{name} is an operation of {old.service} and of {service}")
                if old is None or _rank(new) < _rank(old):
                    found[name] = new
    return found


def _rank(operation: Operation) -> tuple[bool, int]:
    return operation.body.get("deprecated", False), operation.version


def resources(table: dict[str, dict[str, Any]], found: dict[str, Operation]) -> dict[str, list[Method]]:
    """The methods by resource; Drift for an operation that has no method, and for a method that has no operation."""
    named: dict[str, list[Method]] = {}
    for resource, methods in table.items():
        if resource != LEFT_OUT:
            named[resource] = [_method(resource, name, entry, found) for name, entry in methods.items()]
    reached = {method.operation.name for methods in named.values() for method in methods}
    left_out = set(table.get(LEFT_OUT, {}))
    complaints = [
        *(
            f"{name} ({found[name].method} {found[name].path}) has no method"
            for name in found.keys() - reached - left_out
        ),
        *(f"{name} is left out, and no operation" for name in left_out - found.keys()),
        *(f"{name} is left out, and has a method" for name in left_out & reached),
    ]
    if complaints:
        raise Drift("resources.toml: " + "; ".join(sorted(complaints)))
    return named


def _method(resource: str, name: str, entry: str | dict[str, str], found: dict[str, Operation]) -> Method:
    wanted = entry if isinstance(entry, str) else entry["operation"]
    if wanted not in found:
        raise Drift(f"resources.toml: {resource}.{name} stands for {wanted}, which is no operation")
    return Method(name, found[wanted], None if isinstance(entry, str) else entry["file"])
