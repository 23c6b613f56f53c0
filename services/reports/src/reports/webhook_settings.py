"""What webhooks are allowed, and the key of their secrets."""

import ipaddress
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Self

from cryptography import x509
from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode

from reports.domain.webhook_address import HTTPS, Network, Reach
from reports.domain.webhook_turns import Places
from shared.kept_secrets import split_keys
from shared.production import Unsafe
from shared.settings import Settings

_DEVELOPMENT_KEY = "Z2F0ZWhvdXNlLWRldmVsb3BtZW50LW9ubHkta2V5LTA="  # of nobody who should keep a secret
_DNS_PORT = 53


class WebhookSettings(Settings):
    """Keys, bounds and reach of webhooks.

    ``WEBHOOKS_KEY``: one or more Fernet keys (32 bytes, base64url) with commas between; the first encrypts.
    ``WEBHOOKS_ALLOW`` and ``WEBHOOKS_CA_FILE`` let deliveries go to receivers of one's own on networks that are
    not public, and are refused in production. ``WEBHOOKS_DNS`` (``address`` or ``address:port``) is a name
    server to ask in the place of the system's.
    """

    key: SecretStr = Field(default=SecretStr(_DEVELOPMENT_KEY), validation_alias="WEBHOOKS_KEY")
    limit: int = Field(default=10, validation_alias="WEBHOOKS_LIMIT", ge=1, le=1000)
    concurrency: int = Field(default=20, validation_alias="WEBHOOKS_CONCURRENCY", ge=1, le=500)
    seconds: float = Field(default=15.0, validation_alias="WEBHOOKS_TIMEOUT_SECONDS", gt=0, le=30)
    overlap_hours: int = Field(default=24, validation_alias="WEBHOOKS_OVERLAP_HOURS", ge=1, le=168)
    ports: Annotated[tuple[int, ...], NoDecode] = Field(default=(HTTPS,), validation_alias="WEBHOOKS_PORTS")
    allow: Annotated[tuple[Network, ...], NoDecode] = Field(default=(), validation_alias="WEBHOOKS_ALLOW")
    ca_file: Path | None = Field(default=None, validation_alias="WEBHOOKS_CA_FILE")
    dns: str | None = Field(default=None, validation_alias="WEBHOOKS_DNS")

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the secrets, the one to encrypt with first."""
        return split_keys(self.key.get_secret_value())

    @property
    def reach(self) -> Reach:
        """Where deliveries may go."""
        return Reach(self.ports, self.allow)

    @property
    def places(self) -> Places:
        """How many deliveries may be in hand at once."""
        return Places(process=self.concurrency)

    @property
    def name_server(self) -> tuple[str, int] | None:
        """Address and port of the name server to ask, None for the system's."""
        return _read_name_server(self.dns) if self.dns else None

    @field_validator("ports", mode="before")
    @classmethod
    def _split_ports(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        parts = [part.strip() for part in value.split(",") if part.strip()]
        if not parts or not all(part.isascii() and part.isdigit() and 0 < int(part) <= 65535 for part in parts):  # noqa: PLR2004 - the last port
            raise ValueError("must be ports such as 443,8443")
        return tuple(map(int, parts))

    @field_validator("allow", mode="before")
    @classmethod
    def _split_networks(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return tuple(ipaddress.ip_network(part.strip()) for part in value.split(",") if part.strip())
        except ValueError:
            raise ValueError("must be networks such as 127.0.0.1/32, with commas between") from None

    @field_validator("ca_file", "dns", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return value or None

    @field_validator("dns")
    @classmethod
    def _names_a_server(cls, value: str | None) -> str | None:
        if value is not None:
            _read_name_server(value)
        return value

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        try:
            split_keys(self.key.get_secret_value())
        except ValueError:
            raise ValueError(
                "WEBHOOKS_KEY: must be 32 bytes in base64url, or several such with commas between"
            ) from None
        if self.ca_file is not None and not _holds_certificates(self.ca_file):
            raise ValueError("WEBHOOKS_CA_FILE: must be a file of certificates in PEM")
        return self

    def unsafe(self) -> Iterator[Unsafe]:
        """What production refuses: secrets kept with a key that everybody has, ways into networks of one's own."""
        if _DEVELOPMENT_KEY in self.keys:
            yield Unsafe("WEBHOOKS_KEY", "production needs a key of its own: the default stands in the source")
        if self.allow:
            yield Unsafe("WEBHOOKS_ALLOW", "not in production: users could reach your networks through webhooks")
        if self.ca_file is not None:
            yield Unsafe(
                "WEBHOOKS_CA_FILE", "not in production, where receivers have certificates of public authorities"
            )


def _read_name_server(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":") if text.count(":") == 1 else (text, "", str(_DNS_PORT))
    if not (port.isascii() and port.isdigit() and 0 < int(port) <= 65535):  # noqa: PLR2004 - the last port
        raise ValueError("must be an address, or an IPv4 address and a port such as 127.0.0.1:5353")
    try:
        return str(ipaddress.ip_address(host.strip("[]"))), int(port)
    except ValueError:
        raise ValueError("must be an address, or an IPv4 address and a port such as 127.0.0.1:5353") from None


def _holds_certificates(path: Path) -> bool:
    try:
        return bool(x509.load_pem_x509_certificates(path.read_bytes()))
    except (OSError, ValueError):
        return False
