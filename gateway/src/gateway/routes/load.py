"""Reads the routes file: environment expansion, TOML, validation, and errors that name line and field."""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gateway.routes.model import RoutesModel
from gateway.routes.references import wrong_references

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
        problems = [_located(text, item["loc"], item["msg"]) for item in error.errors()]
        raise RoutesError(path, problems) from error
    wrong = [_located(text, location, message) for location, message in wrong_references(model)]
    if wrong:
        raise RoutesError(path, wrong)
    return model


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
    field = ""
    for part in location:
        field += f"[{part}]" if isinstance(part, int) else f"{'.' if field else ''}{part}"
    return line_of(text, location), field, message.removeprefix("Value error, ")


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
