"""Input shapes shared by all services."""

import re
from typing import Annotated, Any

from fastapi import Path
from pydantic import BaseModel, BeforeValidator, ConfigDict

BIGINT_MAX = 2**63 - 1

_DIGITS = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


def _one_spelling(value: Any) -> Any:
    # Otherwise 1.0, +1, 01 and 1_0 name things as well, and each is another key to a cache.
    if isinstance(value, str) and not _DIGITS.fullmatch(value):
        raise ValueError("Input should be a whole number")
    return value


ONE_SPELLING = BeforeValidator(_one_spelling)
"""Of a number in a path or query: written in the one way that numbers are written."""

EntityId = Annotated[int, Path(ge=1, le=BIGINT_MAX), ONE_SPELLING]
"""An id in a path: what fits Postgres's bigint."""


class RequestBody(BaseModel):
    """A body as the contract takes it: unknown fields are ignored, texts are stripped of outer space."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)
