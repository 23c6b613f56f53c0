"""The table ``[api_keys]``."""

import re
from typing import Self

from pydantic import Field, model_validator

from gateway.routes.model.values import Model, Quota, QuotaText


class ApiKeysModel(Model):
    """Where an API key is exchanged for a token; what is no key is refused without asking."""

    upstream: str = Field(description="The upstream that exchanges them.")
    path: str = Field(pattern=r"^/[!-~]*$", description="Its path for `POST` of a key as JSON.")
    pattern: str = Field(
        default=r"[!-~]{1,512}",
        description="What a key looks like, as a regular expression; another is refused without asking. "
        "Its group `(?P<id>...)`, where it has one, is what metrics call the key by: no secret may be in it.",
    )
    unknown: QuotaText = Field(
        default=Quota(quota=20, window=60),
        description="How many keys that do not hold one address may have asked about, in each process; then 429.",
    )

    @model_validator(mode="after")
    def _pattern(self) -> Self:
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise ValueError(f"pattern is not a regular expression: {error}") from error
        return self
