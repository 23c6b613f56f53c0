"""The source of a module of one resource: its class that blocks, and the one that does not."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from typing import Any

from client_generator.documents import Drift, Method
from client_generator.imports import with_imports
from client_generator.schemas import Schemas
from client_generator.signature import signature


@dataclass(frozen=True)
class Kind:
    """How the two classes differ."""

    prefix: str
    definition: str
    wait: str
    pages: str
    events: str


BLOCKING = Kind("", "def", "", "Pages", "Iterator")
ASYNC = Kind("Async", "async def", "await ", "AsyncPages", "AsyncIterator")


def resource_module(
    resource: str, methods: list[Method], schemas: dict[str, Schemas], models: dict[str, set[str]]
) -> str:
    """The module for a resource; ``models`` are the names of the types by service."""
    title = "".join(part.capitalize() for part in resource.split("_"))
    classes = "\n\n".join(_class(title, resource, methods, schemas, kind) for kind in (BLOCKING, ASYNC))
    services = {method.operation.service for method in methods}
    source = "of the OpenAPI documents; the methods are named in client_generator/resources.toml"
    doc = f"Calls for {resource.replace('_', ' ')}. Made {source}."
    return with_imports(doc, classes, {name: names for name, names in models.items() if name in services})


def _class(title: str, resource: str, methods: list[Method], schemas: dict[str, Schemas], kind: Kind) -> str:
    lines = [
        f"class {kind.prefix}{title}:",
        f'    """Calls for {resource.replace("_", " ")}."""',
        "",
        f"    def __init__(self, caller: {kind.prefix}Caller) -> None:",
        "        self._caller = caller",
        "",
    ]
    for method in methods:
        lines += _method(method, schemas[method.operation.service], kind)
    return "\n".join(lines)


def _method(method: Method, schemas: Schemas, kind: Kind) -> list[str]:
    made = signature(method.operation, schemas)
    operation = method.operation.body
    good = {status: answer for status, answer in operation["responses"].items() if status[0] == "2" and status != "206"}
    media = next(iter(good.values())).get("content", {})
    doc, call, head = _explained(operation), made.call, f"{kind.definition} {method.name}({made.declared()})"
    if (answer := schemas.target(media.get("application/json", {}).get("schema", {}))) is not None:
        answered = schemas.python_name(answer)
        if page := re.fullmatch(r"Page\[(\w+)\]", answered):
            head = f"def {method.name}({made.declared()}) -> {kind.pages}[{page[1]}]"
            return _written(head, doc, f"return self._caller.pages({call}, {answered})")
        return _written(f"{head} -> {answered}", doc, f"return {kind.wait}self._caller.model({call}, {answered})")
    if "text/event-stream" in media:
        head = f"def {method.name}({made.declared()}) -> {kind.events}[Event]"
        return _written(head, doc, f"return self._caller.events({call})")
    if not media:
        return _written(f"{head} -> None", doc, f"{kind.wait}self._caller.nothing({call})")
    if method.file is None:
        raise Drift(f"{method.operation.name} answers with a file: name its two methods in resources.toml")
    whole = _written(f"{head} -> bytes", doc, f"return {kind.wait}self._caller.content({call})")
    made.positional.append("target: Path | str")
    doc = f"{doc}\n\nWritten to ``target``, which is there when it is whole."
    head = f"{kind.definition} {method.file}({made.declared()}) -> Path"
    return whole + _written(head, doc, f"return {kind.wait}self._caller.download({call}, target)")


def _explained(operation: dict[str, Any]) -> str:
    paragraphs = [operation["summary"], *operation.get("description", "").strip().split("\n\n")]
    wrapped = [textwrap.fill(" ".join(paragraph.split()), 100) for paragraph in paragraphs if paragraph]
    wrapped[0] += "."
    return "\n\n".join(wrapped).replace("\\", "").replace('"""', "'")


def _written(head: str, doc: str, statement: str) -> list[str]:
    text = f'"""{doc}' + ('\n"""' if "\n" in doc else '"""')
    return [f"    {head}:", textwrap.indent(text, " " * 8), f"        {statement}", ""]


def all_module(named: dict[str, list[Method]]) -> str:
    """The module of the two classes that have all resources."""
    titles = {resource: "".join(part.capitalize() for part in resource.split("_")) for resource in named}
    lines = ['"""All resources of a client, by their names."""', ""]
    lines += ["from gatehouse_client.asynchronous import AsyncCaller", "from gatehouse_client.blocking import Caller"]
    lines += [
        f"from gatehouse_client.resources.{one} import Async{title}, {title}" for one, title in sorted(titles.items())
    ]
    for prefix in ("", "Async"):
        lines += [
            "",
            "",
            f"class {prefix}Resources:",
            f'    """All resources, for a{"n async" if prefix else ""} client."""',
            "",
        ]
        lines += [f"    def __init__(self, caller: {prefix}Caller) -> None:"]
        lines += [f"        self.{one} = {prefix}{title}(caller)" for one, title in titles.items()]
    return "\n".join(lines) + "\n"
