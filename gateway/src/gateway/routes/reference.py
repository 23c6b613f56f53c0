"""``gateway reference``: all that the routes file may say, in Markdown, out of the models' own descriptions."""

import types
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic.functional_validators import BeforeValidator
from pydantic_core import PydanticUndefined

from gateway.routes.model import RoutesModel
from gateway.routes.model.values import quota, seconds, size

_WRITTEN: dict[Any, str] = {seconds: "duration", size: "size", quota: "quota"}
_PLAIN: dict[Any, str] = {str: "text", int: "number", float: "number", bool: "true or false"}
_BEGIN = """\
# The routes file

What is routed where, for whom and how much, in TOML. `gateway check FILE` validates it, `gateway explain GET /path`
shows what it means for a request. This page is made by `gateway reference` from the descriptions in `routes/model/`.

A duration is a number with `ms`, `s`, `m`, `h` or `d` (`30s`); a size one with `B`, `KB`, `MB` or `GB` (`1MB`); a
quota a number in a duration (`100/1h`). `${NAME}` and `${NAME:-default}` are taken from the environment.
"""


def reference() -> str:
    """The whole document, ending in a line break."""
    return "\n".join([_BEGIN, *_table(RoutesModel, "", 2)]).rstrip("\n") + "\n"


def undescribed() -> list[str]:
    """The fields without a description, as ``routes.timeouts.total``."""
    return [name for name, field in _fields(RoutesModel, "") if not field.description]


def _fields(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        yield prefix + name, field
        inner = table_of(field)
        if inner is not None:
            yield from _fields(inner[0], f"{prefix}{name}.")


def _table(model: type[BaseModel], path: str, depth: int) -> Iterator[str]:
    title = "At the top of the file" if not path else f"`{path}`"
    yield f"{'#' * min(depth, 4)} {title}\n"
    yield " ".join((model.__doc__ or "").split()) + "\n"
    yield "| field | value | default | |\n| --- | --- | --- | --- |"
    tables: list[tuple[type[BaseModel], str]] = []
    for name, field in model.model_fields.items():
        inner = table_of(field)
        if inner is None:
            value = _value(field)
        else:
            kind, shape = inner
            tables.append((kind, _heading(path, name, shape)))
            value = f"table `{tables[-1][1]}`"
        yield f"| `{name}` | {value} | {_default(field)} | {_cell(field.description or '')} |"
    yield ""
    for kind, heading in tables:
        yield from _table(kind, heading, depth + 1)


def _heading(path: str, name: str, shape: str) -> str:
    joined = f"{path.strip('[]')}.{name}".lstrip(".")
    if shape == "each":
        return f"[{joined}.NAME]"
    return f"[[{joined}]]" if shape == "list" else f"[{joined}]"


def table_of(field: FieldInfo) -> tuple[type[BaseModel], str] | None:
    """The model of a field that is a table, and whether it is "one", a "list" of them or "each" by a name."""
    return None if _written(field.metadata) else _inner(field.annotation)


def _written(metadata: Iterable[Any]) -> list[str]:
    return [_WRITTEN[m.func] for m in metadata if isinstance(m, BeforeValidator) and m.func in _WRITTEN]


def _inner(annotation: Any) -> tuple[type[BaseModel], str] | None:
    """The model of a table, and whether there is one, a list of them or one a name."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return None if _written(arguments[1:]) else _inner(arguments[0])
    if isinstance(annotation, type) and origin is None:
        return (annotation, "one") if issubclass(annotation, BaseModel) else None
    for argument in arguments:
        found = _inner(argument)
        if found is not None:
            return found[0], "each" if origin is dict else "list" if origin in (tuple, list) else found[1]
    return None


def _value(field: FieldInfo) -> str:
    return _cell(next(iter(_written(field.metadata)), "") or _kind(field.annotation))


def _kind(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return next(iter(_written(arguments[1:])), "") or _kind(arguments[0])
    if origin is Literal:
        return ", ".join(f"`{_toml(value)}`" for value in arguments)
    if origin in (Union, types.UnionType):
        return " or ".join(_kind(a) for a in arguments if a is not type(None))
    if origin is tuple:
        return f"list of {_kind(arguments[0])}"
    if origin is dict:
        return f"table of {_kind(arguments[1])}"
    return _PLAIN.get(annotation, getattr(annotation, "__name__", "value"))


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None or value is PydanticUndefined or isinstance(value, BaseModel) or value == {}:
        text = _written_quota(value) if isinstance(value, BaseModel) else ""
        return f"`{text}`" if text else ""
    return f"`{_toml(_duration(value) if 'duration' in _written(field.metadata) else value)}`"


def _written_quota(value: BaseModel) -> str:
    figures = value.model_dump()
    return f"{figures['quota']}/{_duration(figures['window'])}" if figures.keys() == {"quota", "window"} else ""


def _duration(value: float) -> str:
    return f"{value:g}s" if value >= 1 else f"{value * 1000:g}ms"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(map(_toml, value))}]"
    return str(value)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
