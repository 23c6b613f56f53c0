"""Settings of the keys that access tokens are signed with."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Self

from cryptography.fernet import Fernet
from pydantic import Field, SecretStr, field_validator, model_validator

from shared.production import Unsafe, secret_file
from shared.settings import Settings
from users.domain.signing_keys import Algorithm

_DEVELOPMENT_KEY = "Z2F0ZWhvdXNlLXNpZ25pbmcta2V5cy1kZXYtb25seSE="  # of nobody whose tokens open anything
_LONGEST_CACHES_SECONDS = 660
"""A set of keys lives for 300 s in a service, 60 s in the gateway, and by its max-age 300 s in between."""


class SigningSettings(Settings):
    """The ring of signing keys.

    ``SIGNING_KEYS_KEY``: one or more Fernet keys (32 bytes, base64url) with commas between, that private keys are
    kept with; the first encrypts. ``TOKEN_PRIVATE_KEY_FILE`` is the first signing key of an empty ring.
    ``TOKEN_KEY_AHEAD_SECONDS``: how long a new key stands in the published set before it signs.
    """

    key: SecretStr = Field(default=SecretStr(_DEVELOPMENT_KEY), validation_alias="SIGNING_KEYS_KEY")
    private_key_file: Path | None = Field(default=None, validation_alias="TOKEN_PRIVATE_KEY_FILE")
    algorithm: Algorithm = Field(default=Algorithm.EDDSA, validation_alias="TOKEN_ALGORITHM")
    days: int = Field(default=30, validation_alias="TOKEN_KEY_DAYS", ge=1, le=366)
    ahead_seconds: int = Field(default=900, validation_alias="TOKEN_KEY_AHEAD_SECONDS", ge=1, le=43_200)

    @property
    def keys(self) -> tuple[str, ...]:
        """The Fernet keys, the one to encrypt with first."""
        return tuple(part.strip() for part in self.key.get_secret_value().split(",") if part.strip())

    @property
    def ahead(self) -> timedelta:
        """How long a new key is published before it signs."""
        return timedelta(seconds=self.ahead_seconds)

    @property
    def period(self) -> timedelta:
        """How long a key signs."""
        return timedelta(days=self.days)

    @field_validator("private_key_file", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return value or None

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        try:
            usable = [Fernet(key) for key in self.keys]
        except ValueError:
            usable = []
        if not usable:
            raise ValueError("SIGNING_KEYS_KEY: must be 32 bytes in base64url, or several such with commas between")
        return self

    def unsafe(self) -> Iterator[Unsafe]:
        """What production refuses: a key that everybody has or can read, a rotation that caches have not heard of."""
        if _DEVELOPMENT_KEY in self.keys:
            yield Unsafe("SIGNING_KEYS_KEY", "production needs a key of its own: the default stands in the source")
        if self.ahead_seconds < _LONGEST_CACHES_SECONDS:
            why = f"must be {_LONGEST_CACHES_SECONDS} or more: so long caches hold"
            yield Unsafe("TOKEN_KEY_AHEAD_SECONDS", why)
        if self.private_key_file is not None:
            yield from secret_file("TOKEN_PRIVATE_KEY_FILE", self.private_key_file)
