"""The key that secrets of second factors are kept with."""

from typing import Self

from pydantic import Field, SecretStr, model_validator

from shared.kept_secrets import split_keys
from shared.settings import Environment, Settings

_DEVELOPMENT_KEY = "Z2F0ZWhvdXNlLWRldmVsb3BtZW50LWZhY3Rvci1rZXk="  # of nobody who should keep a secret


class SecondFactorSettings(Settings):
    """``SECOND_FACTOR_KEY``: Fernet keys (32 bytes, base64url) with commas between; the first encrypts."""

    environment: Environment = Field(default=Environment.DEVELOPMENT, validation_alias="ENVIRONMENT")
    key: SecretStr = Field(default=SecretStr(_DEVELOPMENT_KEY), validation_alias="SECOND_FACTOR_KEY")

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the secrets, the one to encrypt with first."""
        return split_keys(self.key.get_secret_value())

    @model_validator(mode="after")
    def _usable(self) -> Self:
        try:
            keys = split_keys(self.key.get_secret_value())
        except ValueError:
            raise ValueError(
                "SECOND_FACTOR_KEY: must be 32 bytes in base64url, or several such with commas between"
            ) from None
        if self.environment is Environment.PRODUCTION and _DEVELOPMENT_KEY in keys:
            raise ValueError("SECOND_FACTOR_KEY: production needs a key of its own")
        return self
