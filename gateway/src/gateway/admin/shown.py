"""Compiled objects as JSON takes them, with whatever could be a secret blanked."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Collection, Mapping
from enum import Enum
from pathlib import PurePath
from typing import Any

from pydantic import BaseModel

_USERINFO = re.compile(r"(?<=://)[^/@\s]*@")
_SECRET = re.compile(r"(?i)authorization|cookie|password|secret|credential|(^|[-_])(token|key|api-?key)$")
# Header lines, as compiled rules hold them; begun at a name's first letter alone, so that no length takes it long.
_LINE = re.compile(r"(?<![^\s:])([^\s:]++): [^\r\n]*+")
BLANK = "***"


def shown(value: object, name: str = "") -> Any:
    """``value`` as plain data; ``name`` is the field that holds it."""
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, PurePath):
        value = str(value)
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if isinstance(value, str):
        if value and _SECRET.search(name):
            return BLANK
        return _USERINFO.sub(BLANK + "@", _LINE.sub(_line, value) if "\r\n" in value else value)
    return _composed(value, name)


def _composed(value: object, name: str) -> Any:
    if isinstance(value, BaseModel):
        return {field: shown(getattr(value, field), field) for field in type(value).model_fields}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = (field.name for field in dataclasses.fields(value))
        return {field: shown(getattr(value, field), field) for field in fields}
    if isinstance(value, Mapping):
        return {str(shown(key)): shown(item, str(shown(key))) for key, item in value.items()}
    if isinstance(value, Collection):
        items = [shown(item, name) for item in value]
        if len(items) == 2 and isinstance(items[0], str):  # noqa: PLR2004
            # A pair is a header as often as not: what it is called decides.
            items[1] = shown(items[1], items[0])
        return sorted(items, key=str) if isinstance(value, set | frozenset) else items
    # Functions, connections and the like are no figures.
    return f"<{type(value).__name__}>"


def _line(found: re.Match[str]) -> str:
    return f"{found[1]}: {BLANK}" if _SECRET.search(found[1]) else found[0]
