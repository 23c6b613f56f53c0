"""The secret that the gateway and this service share."""

from collections.abc import Iterator
from typing import Self

from pydantic import Field, SecretStr, model_validator

from shared.production import Unsafe
from shared.settings import Settings

DEVELOPMENT_SECRET = "gatehouse-development-gateway-secret-of-nobody"  # noqa: S105 - of nobody who should keep one
_FEWEST_CHARACTERS = 32


class GatewayClientSettings(Settings):
    """``GATEWAY_CLIENT_SECRET``: random, 32 characters at least, since it is kept by a fast hash."""

    secret: SecretStr = Field(default=SecretStr(DEVELOPMENT_SECRET), validation_alias="GATEWAY_CLIENT_SECRET")

    @model_validator(mode="after")
    def _long(self) -> Self:
        if len(self.secret.get_secret_value()) < _FEWEST_CHARACTERS:
            raise ValueError(f"GATEWAY_CLIENT_SECRET: must have {_FEWEST_CHARACTERS} characters at least")
        return self

    def unsafe(self) -> Iterator[Unsafe]:
        """What production refuses: a secret that everybody has."""
        if self.secret.get_secret_value() == DEVELOPMENT_SECRET:
            yield Unsafe("GATEWAY_CLIENT_SECRET", "production needs one of its own: the default stands in the source")
