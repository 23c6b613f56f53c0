"""Where mail goes, and where its links lead."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from shared.production import Unsafe, encrypted
from shared.settings import Settings

_SCHEMES = ("smtp://", "smtps://", "smtp+starttls://")


class MailSettings(Settings):
    """Where mail is handed in: ``smtp://``, ``smtps://`` (TLS at once) or ``smtp+starttls://``."""

    url: SecretStr = Field(default=SecretStr("smtp://127.0.0.1:25"), validation_alias="SMTP_URL")
    sender: str = Field(default="Gatehouse <no-reply@gatehouse.example>", validation_alias="MAIL_FROM")
    timeout_seconds: float = Field(default=10.0, validation_alias="SMTP_TIMEOUT_SECONDS", gt=0)

    @field_validator("url")
    @classmethod
    def _is_smtp(cls, url: SecretStr) -> SecretStr:
        if not url.get_secret_value().startswith(_SCHEMES):
            raise ValueError("must begin with smtp://, smtps:// or smtp+starttls://")
        return url

    def unsafe(self, *, plaintext: bool) -> Iterator[Unsafe]:
        """What production refuses: mail that others on the way can read."""
        parts = urlsplit(self.url.get_secret_value())
        yield from encrypted("SMTP_URL", parts.scheme, parts.hostname or "", plaintext=plaintext)


class PublicSettings(Settings):
    """Where people reach the gateway: what a mail links to."""

    url: str = Field(default="http://127.0.0.1:8000", validation_alias="PUBLIC_URL")

    @field_validator("url")
    @classmethod
    def _is_an_origin(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("must be a URL such as https://api.example.com")
        return url.rstrip("/")
