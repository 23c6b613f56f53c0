"""The table ``when`` of a route, and of a split: what a request must have beside its path."""

import re
from typing import Self

from pydantic import Field, model_validator

from gateway.routes.model.values import Model

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class WhenModel(Model):
    """Conditions, all of which must hold: ``true`` asks for presence, ``false`` for absence, a text for equality."""

    headers: dict[str, bool | str] = Field(
        default={},
        description='Of request headers, such as `{ x-beta = "1" }`; answers get `Vary` by them.',
    )
    query: dict[str, bool | str] = Field(
        default={}, description="Of query parameters, decoded, such as `{ preview = true }`."
    )

    @model_validator(mode="after")
    def _asks(self) -> Self:
        if not self.headers and not self.query:
            raise ValueError("when asks for nothing")
        for name in self.headers:
            if _TOKEN.fullmatch(name) is None:
                raise ValueError(f"{name!r} is no name of a header")
        return self
