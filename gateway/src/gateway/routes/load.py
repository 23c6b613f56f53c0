"""Reads the routes file: environment expansion, TOML, validation, and errors that name line and field."""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from gateway.routes.model import RoutesModel
from gateway.routes.reference import table_of
from gateway.routes.references import did_you_mean, wrong_references

_VARIABLE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)(?::-([^}]*))?\}")
_TABLE = re.compile(r"^\s*\[(\[)?\s*([A-Za-z0-9_.\"-]+)\s*\]")

DEFAULT_FILE = Path(__file__).parent.parent / "routes.toml"


class RoutesError(Exception):
    """The file cannot be used; each problem is a line of ``file:line: field: what is wrong``."""

    def __init__(self, path: Path, problems: list[tuple[int | None, str, str]]) -> None:
        self.problems = problems
        super().__init__(
            "\n".join(
                f"{path}{f':{line}' if line else ''}: {field + ': ' if field else ''}{message}"
                for line, field, message in problems
            )
        )


def load_routes(path: Path, environment: Mapping[str, str] = os.environ) -> RoutesModel:
    """The validated file. Raises RoutesError with every problem found, not only the first."""
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise RoutesError(path, [(None, "", f"cannot be read ({type(error).__name__})")]) from error
    text, missing = _expand(text, environment)
    if missing:
        raise RoutesError(path, missing)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        raise RoutesError(path, [(int(line[1]) if line else None, "", str(error))]) from error
    try:
        model = RoutesModel.model_validate(data)
    except ValidationError as error:
        problems = [
            _located(text, item["loc"], _message(item["type"], item["loc"], item["msg"])) for item in error.errors()
        ]
        problems += [_located(text, location, message) for location, message in _of_the_rest(data, error)]
        raise RoutesError(path, problems) from error
    wrong = [_located(text, location, message) for location, message in wrong_references(model)]
    if wrong:
        raise RoutesError(path, wrong)
    return model


def _message(kind: str, location: tuple[int | str, ...], message: str) -> str:
    if kind != "extra_forbidden":
        return message
    return f"{message}{did_you_mean(str(location[-1]), fields_at(location[:-1]))}"


def fields_at(location: tuple[int | str, ...]) -> list[str]:
    """The names of the fields that the table at a location may have."""
    model: type[BaseModel] = RoutesModel
    for part in location:
        field = model.model_fields.get(part) if isinstance(part, str) else None
        inner = table_of(field) if field is not None else None
        if inner is not None:
            model = inner[0]
    return list(model.model_fields)


def _of_the_rest(data: dict[str, Any], error: ValidationError) -> list[tuple[tuple[int | str, ...], str]]:
    """What is wrong between the routes that are good by themselves, so that all is told at once."""
    places = {item["loc"][:2] for item in error.errors()}
    if any(place[:1] != ("routes",) or len(place) < 2 for place in places):  # noqa: PLR2004 - a table and an index
        return []
    kept = [index for index in range(len(data["routes"])) if ("routes", index) not in places]
    try:
        model = RoutesModel.model_validate({**data, "routes": [data["routes"][index] for index in kept]})
    except ValidationError:
        return []
    return [
        (("routes", kept[location[1]], *location[2:]), message)
        for location, message in wrong_references(model)
        if location[0] == "routes"
        and isinstance(location[1], int)
        # Its number would be wrong: it is told when the others are right.
        and "already taken" not in message
    ]


def _expand(text: str, environment: Mapping[str, str]) -> tuple[str, list[tuple[int | None, str, str]]]:
    missing: list[tuple[int | None, str, str]] = []

    def value(found: re.Match[str]) -> str:
        name, default = found[1], found[2]
        given = environment.get(name) or default
        if given is None:
            line = text.count("\n", 0, found.start()) + 1
            missing.append((line, "", f"the environment has no {name}"))
            return ""
        # A quote or a line break in a variable must not become syntax of the file.
        return re.sub(r'["\\\x00-\x1f]', "", given)

    return _VARIABLE.sub(value, text), missing


def _located(text: str, location: tuple[int | str, ...], message: str) -> tuple[int | None, str, str]:
    return line_of(text, location), field_name(location), message.removeprefix("Value error, ")


def field_name(location: tuple[int | str, ...]) -> str:
    """As people write it, ``routes[0].timeouts.total``."""
    field = ""
    for part in location:
        field += f"[{part}]" if isinstance(part, int) else f"{'.' if field else ''}{part}"
    return field


def line_of(text: str, location: tuple[int | str, ...]) -> int | None:
    """The line where the field stands, else that of the table around it, else None."""
    best: int | None = None
    deepest = 0
    counts: dict[str, int] = {}
    table: tuple[Any, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _TABLE.match(line):
            name = header[2].replace('"', "")
            table = tuple(name.split("."))
            if header[1]:
                counts[name] = counts.get(name, -1) + 1
                # The arrays inside begin anew with each element.
                for inner in [inner for inner in counts if inner.startswith(f"{name}.")]:
                    del counts[inner]
            # A sub-table of an array of tables belongs to the last element opened.
            table = tuple(
                item
                for index, part in enumerate(table)
                for item in (part, counts.get(".".join(table[: index + 1])))
                if item is not None
            )
            here = table
        elif key := re.match(r"\s*([A-Za-z0-9_-]+)\s*=", line):
            here = (*table, key[1])
        else:
            continue
        depth = len(here)
        if depth > deepest and location[:depth] == here:
            best, deepest = number, depth
    return best
