"""How values are written in the routes file.

Durations are written as people do, ``500ms``, ``30s``, ``5m``, ``1h``; sizes as ``1MB``; quotas as ``100/1h``.
"""

import re
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZES = {"B": 1, "KB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000}


def seconds(value: object) -> object:
    """``30s`` as 30.0; a number is taken as seconds."""
    if isinstance(value, str):
        found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", value)
        if found is None:
            raise ValueError("a duration is a number with ms, s, m, h or d, such as 30s")
        return float(found[1]) * _UNITS[found[2]]
    return value


def size(value: object) -> object:
    """``1MB`` as 1000000; a number is taken as bytes."""
    if isinstance(value, str):
        found = re.fullmatch(r"(\d+)(B|KB|MB|GB)", value)
        if found is None:
            raise ValueError("a size is a number with B, KB, MB or GB, such as 1MB")
        return int(found[1]) * _SIZES[found[2]]
    return value


def quota(value: object) -> object:
    """``100/1h`` as a quota of 100 in a window of 3600 seconds."""
    if isinstance(value, str):
        count, slash, window = value.partition("/")
        if not slash or not count.isdigit():
            raise ValueError("a quota is a number, a slash and a duration, such as 100/1h")
        return {"quota": int(count), "window": seconds(window)}
    return value


Seconds = Annotated[float, BeforeValidator(seconds), Field(gt=0)]
Size = Annotated[int, BeforeValidator(size), Field(ge=0)]


class Model(BaseModel):
    """Base of the file's tables: an unknown field is a typing mistake and is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Quota(Model):
    """So many requests in any window of so many seconds."""

    quota: int = Field(gt=0)
    window: float = Field(ge=1)


QuotaText = Annotated[Quota, BeforeValidator(quota)]
