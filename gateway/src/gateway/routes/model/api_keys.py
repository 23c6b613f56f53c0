"""The table ``[api_keys]``."""

import re
from typing import Self

from pydantic import Field, model_validator

from gateway.routes.model.values import Model, Quota, QuotaText


class Exchange(Model):
    """Where an API key is exchanged for a token; what is no key is refused without asking."""

    upstream: str
    path: str = Field(pattern=r"^/[!-~]*$")
    # What a key looks like; one of another shape cannot be valid.
    pattern: str = r"[!-~]{1,512}"
    # Keys of one address that turn out not to hold: asking about more waits.
    unknown: QuotaText = Quota(quota=20, window=60)

    @model_validator(mode="after")
    def _pattern(self) -> Self:
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise ValueError(f"pattern is not a regular expression: {error}") from error
        return self
