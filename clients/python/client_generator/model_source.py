"""The source of a module of models: enums, what comes, and the parts of what is sent."""

from __future__ import annotations

import keyword

from client_generator.imports import with_imports
from client_generator.schemas import Schemas

_RESERVED = frozenset({"answer", "came_with", "model_config"})


def model_module(service: str, schemas: Schemas, comes: set[str], sent: set[str]) -> str:
    """The module for one service; ``comes`` and ``sent`` are the names of the schemas that do."""
    enums = sorted(name for name in comes | sent if "enum" in schemas.by_name[name])
    models = _in_order(schemas, {name for name in comes if name not in enums and not name.startswith("Page_")})
    parts = _in_order(schemas, {name for name in sent if name not in enums})
    written = [
        *(_enum(schemas, name) for name in enums),
        *(_model(schemas, name) for name in models),
        *(_part(schemas, name) for name in parts),
    ]
    doc = f"What {service} answers, and the parts of what it is sent. Made of services/{service}/openapi.json."
    return with_imports(doc, "\n\n".join(written))


def _in_order(schemas: Schemas, names: set[str]) -> list[str]:
    """Each after what it is made of."""
    return sorted(names, key=lambda name: (len(schemas.reachable([name])), name))


def _described(schemas: Schemas, name: str, fallback: str) -> str:
    text = schemas.by_name[name].get("description", fallback).strip().split("\n\n")[0].replace("\n", " ")
    return text.replace("``", "`").replace('"', "'")


def _enum(schemas: Schemas, name: str) -> str:
    values = ", ".join(repr(value) for value in schemas.by_name[name]["enum"])
    doc = _described(schemas, name, "One of these.")
    return f'{schemas.python_name(name)}: TypeAlias = Literal[{values}]\n"""{doc}"""\n'


def _model(schemas: Schemas, name: str) -> str:
    lines = [
        f"class {schemas.python_name(name)}(Model):",
        f'    """{_described(schemas, name, "As it is answered.")}"""',
        "",
    ]
    for field, schema in schemas.fields(name).items():
        if field in _RESERVED or keyword.iskeyword(field):
            raise ValueError(f"{name}.{field} can't be the name of a field")
        kind = schemas.python_type(schema, sent=False)
        if field not in schemas.required(name):
            kind = f"{kind} = None" if kind.endswith("| None") else f"{kind} | None = None"
        lines.append(f"    {field}: {kind}")
        if "description" in schema:
            lines.append(f'    """{schema["description"].strip()}"""')
    return "\n".join(lines) + "\n"


def _part(schemas: Schemas, name: str) -> str:
    required = schemas.required(name)
    fields = {
        field: kind if field in required else f"NotRequired[{kind}]"
        for field, schema in schemas.fields(name).items()
        for kind in [schemas.python_type(schema, sent=True)]
    }
    title = schemas.python_name(name)
    if any(keyword.iskeyword(field) for field in fields):
        inside = ", ".join(f'"{field}": {kind}' for field, kind in fields.items())
        return f'{title} = TypedDict("{title}", {{{inside}}})\n'
    lines = [f"class {title}(TypedDict):", f'    """{_described(schemas, name, "As it is sent.")}"""', ""]
    return "\n".join([*lines, *(f"    {field}: {kind}" for field, kind in fields.items())]) + "\n"
