"""What a handler answers, before it is bytes: so that it can be kept, and written with what belongs to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from fastapi import Response
from fastapi.encoders import jsonable_encoder
from pydantic import BaseModel

from shared.postgres import Write


@dataclass(frozen=True)
class Answer:
    """What a handler answers: ``content`` is anything FastAPI can make JSON of.

    ``writes`` are still to be done, and are with the keeping of the answer: one round trip for all.
    """

    status: int
    content: Any
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    writes: Sequence[Write] = ()

    def response(self) -> Response:
        """The answer as a response; an error status is a problem document already."""
        media_type = "application/json" if self.status < 400 else "application/problem+json"  # noqa: PLR2004 - errors start there
        return Response(_encode(self.content), self.status, dict(self.headers), media_type)


def _encode(content: Any) -> bytes:
    if isinstance(content, BaseModel):
        return content.__pydantic_serializer__.to_json(content, by_alias=True)
    return orjson.dumps(jsonable_encoder(content))
