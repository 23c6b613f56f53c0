"""The key that secrets of second factors are kept with."""

from collections.abc import Iterator
from typing import Self

from pydantic import Field, SecretStr, model_validator

from shared.kept_secrets import split_keys
from shared.production import Unsafe
from shared.settings import Settings

_DEVELOPMENT_KEY = "Z2F0ZWhvdXNlLWRldmVsb3BtZW50LWZhY3Rvci1rZXk="  # of nobody who should keep a secret


class SecondFactorSettings(Settings):
    """``SECOND_FACTOR_KEY``: Fernet keys (32 bytes, base64url) with commas between; the first encrypts."""

    key: SecretStr = Field(default=SecretStr(_DEVELOPMENT_KEY), validation_alias="SECOND_FACTOR_KEY")

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the secrets, the one to encrypt with first."""
        return split_keys(self.key.get_secret_value())

    @model_validator(mode="after")
    def _usable(self) -> Self:
        try:
            split_keys(self.key.get_secret_value())
        except ValueError:
            raise ValueError(
                "SECOND_FACTOR_KEY: must be 32 bytes in base64url, or several such with commas between"
            ) from None
        return self

    def unsafe(self) -> Iterator[Unsafe]:
        """What production refuses: secrets kept with a key that everybody has."""
        if _DEVELOPMENT_KEY in self.keys:
            yield Unsafe("SECOND_FACTOR_KEY", "production needs a key of its own: the default stands in the source")
