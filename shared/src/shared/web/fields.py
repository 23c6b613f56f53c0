"""Input shapes shared by all services."""

from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, ConfigDict

BIGINT_MAX = 2**63 - 1

EntityId = Annotated[int, Path(ge=1, le=BIGINT_MAX)]
"""An id in a path: what fits Postgres's bigint."""


class RequestBody(BaseModel):
    """A body as the contract takes it: unknown fields are ignored, texts are stripped of outer space."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)
