"""How a bucket of S3 is reached; which one is said by ``REPORTS_STORE``."""

from collections.abc import Iterator
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from shared import production
from shared.production import Unsafe
from shared.settings import Settings


class S3Settings(Settings):
    """Endpoint, region, keys; without keys the role of the machine or pod is taken. Seconds are of one request."""

    endpoint_url: str | None = Field(default=None, validation_alias="S3_ENDPOINT_URL")
    region: str = Field(default="us-east-1", validation_alias="S3_REGION", min_length=1)
    access_key_id: str | None = Field(default=None, validation_alias="S3_ACCESS_KEY_ID")
    secret_access_key: SecretStr | None = Field(default=None, validation_alias="S3_SECRET_ACCESS_KEY")
    timeout_seconds: float = Field(default=10.0, validation_alias="S3_TIMEOUT_SECONDS", ge=0.1, le=300)

    @field_validator("endpoint_url", "access_key_id", "secret_access_key", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return value or None

    @field_validator("endpoint_url")
    @classmethod
    def _endpoint_is_a_url(cls, value: str | None) -> str | None:
        if value is not None:
            parts = urlsplit(value)
            if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or "@" in parts.netloc:
                raise ValueError("S3_ENDPOINT_URL is no http or https URL of a host, without user, password or query")
        return value

    @model_validator(mode="after")
    def _both_keys_or_none(self) -> Self:
        if (self.access_key_id is None) != (self.secret_access_key is None):
            raise ValueError("S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY go together: one is missing")
        return self

    def unsafe(self, *, plaintext: bool) -> Iterator[Unsafe]:
        """What production refuses: files that go over the wire for all to read."""
        if self.endpoint_url is not None:
            parts = urlsplit(self.endpoint_url)
            yield from production.encrypted("S3_ENDPOINT_URL", parts.scheme, parts.hostname or "", plaintext=plaintext)
