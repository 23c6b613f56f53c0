"""Settings of the users service: those of every service and its own, a class a process."""

import ipaddress
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from shared import production
from shared.mail import MailSettings, PublicSettings
from shared.production import Unsafe
from shared.settings import Environment, SeedSettings, ServiceSettings, Settings
from users.audit_settings import AuditSettings
from users.gateway_client_settings import GatewayClientSettings
from users.second_factor_settings import SecondFactorSettings
from users.signing_settings import SigningSettings

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_PRIVATE_NETWORKS = (
    "127.0.0.0/8,::1/128,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7"  # where a gateway of ours stands
)


class PasswordSettings(Settings):
    """How many passwords are hashed at once, and how many requests may wait for it."""

    threads: int = Field(default=2, validation_alias="PASSWORD_HASH_THREADS", ge=1, le=64)
    queue: int = Field(default=64, validation_alias="PASSWORD_HASH_QUEUE", ge=0)


class LoginSettings(Settings):
    """Failed logins allowed by account and address; ``LIMITS_SCALE`` multiplies them.

    ``needs_verified_email`` shuts the last way to ask who has an account: to register, and to try to log in.
    ``account_failures`` in a row from places that are new to an account are free of delays; ``address_failures`` of
    one address, whatever the accounts, are taken in a window.

    ``gateway_networks`` is where the gateway calls from: its word on the client's address is believed.
    """

    failures: int = Field(default=10, validation_alias="LOGIN_FAILURES", ge=1)
    window_seconds: int = Field(default=900, validation_alias="LOGIN_FAILURES_SECONDS", ge=1)
    needs_verified_email: bool = Field(default=False, validation_alias="LOGIN_NEEDS_VERIFIED_EMAIL")
    account_failures: int = Field(default=30, validation_alias="LOGIN_ACCOUNT_FAILURES", ge=1, le=90)
    address_failures: int = Field(default=100, validation_alias="LOGIN_ADDRESS_FAILURES", ge=1)
    environment: Environment = Field(default=Environment.DEVELOPMENT, validation_alias="ENVIRONMENT")
    limits_scale: float | None = Field(default=None, validation_alias="LIMITS_SCALE", gt=0)
    gateway_networks: Annotated[tuple[Network, ...], NoDecode] = Field(
        default_factory=lambda: parse_networks(_PRIVATE_NETWORKS), validation_alias="GATEWAY_NETWORKS"
    )

    @property
    def scale(self) -> float:
        """What the figures are multiplied by: as they stand in production, generous where people try things."""
        if self.limits_scale is not None:
            return self.limits_scale
        return 1.0 if self.environment is Environment.PRODUCTION else 100.0

    @field_validator("gateway_networks", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        try:
            return parse_networks(value) if isinstance(value, str) else value
        except ValueError:
            raise ValueError("must be networks such as 10.0.0.0/8, with commas between") from None


def parse_networks(text: str) -> tuple[Network, ...]:
    """Networks from a list with commas. Raises ValueError."""
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())


class AvatarSettings(Settings):
    """Where pictures and their thumbnails lie: one directory that the API and the worker share."""

    directory: Path = Field(validation_alias="AVATARS_DIR")


class UsersSettings(ServiceSettings):
    """Of the API process."""

    signing: SigningSettings = Field(default_factory=SigningSettings)
    passwords: PasswordSettings = Field(default_factory=PasswordSettings)
    login: LoginSettings = Field(default_factory=LoginSettings)
    second_factor: SecondFactorSettings = Field(default_factory=SecondFactorSettings)
    gateway_client: GatewayClientSettings = Field(default_factory=GatewayClientSettings)
    storage: AvatarSettings = Field(default_factory=AvatarSettings)  # pyright: ignore[reportArgumentType] - read from the environment

    def unsafe(self) -> Iterator[Unsafe]:
        """And of this API: the key, the limits, whose word on addresses is believed."""
        yield from super().unsafe()
        yield from self.signing.unsafe()
        yield from self.second_factor.unsafe()
        yield from self.gateway_client.unsafe()
        yield from production.real_limits(self.login.limits_scale)
        yield from production.believed_networks("GATEWAY_NETWORKS", self.login.gateway_networks)


class WorkerSettings(ServiceSettings):
    """Of the worker process, which signs nothing but makes the keys that follow."""

    signing: SigningSettings = Field(default_factory=SigningSettings)
    mail: MailSettings = Field(default_factory=MailSettings)
    public: PublicSettings = Field(default_factory=PublicSettings)
    seed: SeedSettings = Field(default_factory=SeedSettings)
    audit: AuditSettings = Field(default_factory=AuditSettings)
    storage: AvatarSettings = Field(default_factory=AvatarSettings)  # pyright: ignore[reportArgumentType] - read from the environment

    def unsafe(self) -> Iterator[Unsafe]:
        """And of this worker: it makes signing keys, and mails carry links that let people in."""
        yield from super().unsafe()
        yield from self.signing.unsafe()
        yield from self.mail.unsafe(plaintext=self.backends.plaintext)
        yield from production.public_url("PUBLIC_URL", self.public.url, "mails link to it")
