"""The parameters of a method, and the call that it makes of them."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass, field
from typing import Any

from client_generator.documents import Drift, Operation
from client_generator.schemas import Schemas

_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"
_UNCHANGED_UNDER_MATCH = frozenset({"PUT", "PATCH", "DELETE"})


@dataclass
class Signature:
    """``positional`` and ``named`` are parameters as they are declared; ``call`` the source of a Call."""

    positional: list[str] = field(default_factory=list[str])
    required: list[str] = field(default_factory=list[str])
    optional: list[str] = field(default_factory=list[str])
    call: str = ""

    def declared(self) -> str:
        """The parameters after self."""
        named = [*self.required, *self.optional]
        return ", ".join(["self", *self.positional, *(["*", *named] if named else [])])

    def add(self, name: str, kind: str, *, required: bool) -> None:
        """A parameter that is given by its name."""
        if any(known.startswith(f"{name}:") for known in [*self.positional, *self.required, *self.optional]):
            raise Drift(f"two parameters are called {name}")
        if required:
            self.required.append(f"{name}: {kind}")
        else:
            none = "" if re.search(r"\bNone$", kind) else " | None"
            self.optional.append(f"{name}: {kind}{none} = None")


def python_word(name: str) -> str:
    """A name that Python takes; `query_of` and `json_of` take the underscore off again."""
    return f"{name}_" if keyword.iskeyword(name) else name


def signature(operation: Operation, schemas: Schemas) -> Signature:
    """What a method for this operation takes."""
    made = Signature()
    path: list[str] = []
    query: list[str] = []
    keyed = False
    for parameter in operation.body.get("parameters", []):
        name, kind = python_word(parameter["name"]), schemas.python_type(parameter["schema"], sent=True)
        if parameter["in"] == "path":
            made.positional.append(f"{name}: {'UUID | str' if kind == 'UUID' else kind}")
            path.append(name)
        elif parameter["in"] == "query":
            made.add(name, kind, required=parameter.get("required", False))
            query.append(name)
        elif parameter["name"] == "idempotency-key":
            keyed = True
        elif parameter["name"] != "last-event-id":  # the stream's own business
            raise Drift(f"{operation.name} takes the header {parameter['name']}, which no method gives")
    content, headers = _body(operation, schemas, made)
    if keyed:
        made.add("idempotency_key", "str", required=False)
        headers += ["keyed=True", "idempotency_key=idempotency_key"]
    if operation.method in _UNCHANGED_UNDER_MATCH and "412" in operation.body["responses"]:
        made.add("if_match", "Match", required=False)
        headers.append("if_match=if_match")
    made.call = _call(operation, path, query, content, headers)
    return made


def _call(operation: Operation, path: list[str], query: list[str], content: str, headers: list[str]) -> str:
    template = re.sub(r"\{[^}]*\}", "{}", operation.path)
    target = f'path_of("{template}", {", ".join(path)})' if path else f'"{operation.path}"'
    parts = [f'"{operation.method}"', target, f'operation="{operation.method} {operation.path}"']
    if query:
        parts.append(f"query=query_of({_same(query)})")
    if headers:
        parts.append(f"headers=headers_of({', '.join(headers)})")
    if content:
        parts.append(f"content={content}")
    # What anyone may read is read as whom we are, where that is known: it has the higher limit.
    if operation.method != "GET" and not any("bearer" in way for way in operation.body.get("security", [])):
        parts.append("signed=False")
    return f"Call({', '.join(parts)})"


def _body(operation: Operation, schemas: Schemas, made: Signature) -> tuple[str, list[str]]:
    media: dict[str, Any] = operation.body.get("requestBody", {}).get("content", {})
    if not media:
        return "", []
    if _JSON in media:
        return f"json_of({_fields(media[_JSON]['schema'], schemas, made)})", [f'"{_JSON}"']
    if _FORM in media:
        return f"form_of({_fields(media[_FORM]['schema'], schemas, made)})", [f'"{_FORM}"']
    made.positional.append("content: Upload")
    if len(media) == 1:
        return "content", [f'"{next(iter(media))}"']
    kinds = ", ".join(f'"{kind}"' for kind in media)
    made.add("content_type", f"Literal[{kinds}]", required=True)
    return "content", ["content_type"]


def _fields(schema: dict[str, Any], schemas: Schemas, made: Signature) -> str:
    """The fields of a body, each a parameter."""
    options = [one for one in schema.get("anyOf", [schema]) if one.get("type") != "null"]
    name = schemas.target(options[0])
    fields = schemas.fields(name) if name else options[0].get("properties", {})
    needed = schemas.required(name) if name else set(options[0].get("required", []))
    optional_body = len(options) < len(schema.get("anyOf", [schema]))
    for one, kind in fields.items():
        made.add(python_word(one), schemas.python_type(kind, sent=True), required=one in needed and not optional_body)
    return _same([python_word(one) for one in fields])


def _same(names: list[str]) -> str:
    return ", ".join(f"{name}={name}" for name in names)
