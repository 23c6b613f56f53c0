"""Settings, one small class a concern, read from the environment and checked at start.

Any setting may come from a file instead: ``DATABASE_URL_FILE=/run/secrets/database_url``
(the convention of the official Docker images for secrets).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any, Self, get_args
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from shared import production
from shared.production import Unsafe
from shared.redis_url import checked


class UnusableSettingError(Exception):
    """A setting is there and of the right form, and the process cannot work with it."""


@contextmanager
def wrong_settings_in_words(process: str) -> Iterator[None]:
    """End the process with a line for each setting that is wrong, in the place of a traceback."""
    try:
        yield
    except ValidationError as error:
        # Only places and messages: the values may be secrets.
        wrong = [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors(include_input=False)]
        raise SystemExit(f"{process}: the settings are not right\n  " + "\n  ".join(wrong)) from None
    except (SettingsError, UnusableSettingError) as error:
        raise SystemExit(f"{process}: the settings are not right\n  {error}") from None


class Environment(StrEnum):
    """Where the process runs; production refuses what is unsafe."""

    DEVELOPMENT = "development"
    TEST = "test"
    PRODUCTION = "production"


class EnvironmentSource(EnvSettingsSource):
    """Reads a setting by its own name alone: ``SECONDS``, ``PORT`` or a group's ``SEED`` may be anybody's."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """The text of the variable; None for a group of settings, which has no name."""
        name = field.validation_alias
        if not isinstance(name, str):
            return None, field_name, False
        return self.env_vars.get(name.lower()), name, False


class FileSource(PydanticBaseSettingsSource):
    """Reads the setting ``NAME`` from the file that ``NAME_FILE`` names."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Content of the named file, stripped; None where no file is named. Raises UnusableSettingError."""
        name = str(field.validation_alias or field_name)
        variable = f"{name.upper()}_FILE"
        path = os.environ.get(variable)
        try:
            return (Path(path).read_text().strip() if path else None), name, False
        except OSError as error:
            raise UnusableSettingError(f"{variable}: the file cannot be read: {error.strerror}") from error
        except UnicodeDecodeError:
            raise UnusableSettingError(f"{variable}: the file is not text") from None

    def __call__(self) -> dict[str, Any]:
        """All settings that come from files."""
        values = (self.get_field_value(field, name) for name, field in self.settings_cls.model_fields.items())
        return {name: value for value, name, _ in values if value is not None}


class Settings(BaseSettings):
    """Base of every settings class: the environment first, then files, then defaults."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - EnvironmentSource in its place
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - no .env files: the caller's environment is the one source
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - FileSource is explicit by name instead
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order of the sources, the first that has a value wins."""
        return init_settings, EnvironmentSource(settings_cls), FileSource(settings_cls)


class HttpSettings(Settings):
    """Where the process listens and how it stops."""

    host: str = Field(default="127.0.0.1", validation_alias="HTTP_HOST")
    port: int = Field(default=8000, validation_alias="HTTP_PORT", ge=0, le=65535)
    not_ready_seconds: float = Field(default=0.0, validation_alias="HTTP_NOT_READY_SECONDS", ge=0)
    drain_seconds: int = Field(default=15, validation_alias="HTTP_DRAIN_SECONDS", ge=1)
    # Bound sockets that whoever started the process hands to it: the public one in the place of host and port, and one
    # of its own that is served from the start; on hold the public one is served from SIGUSR1 on.
    fd: int | None = Field(default=None, validation_alias="HTTP_FD", ge=3)
    probe_fd: int | None = Field(default=None, validation_alias="HTTP_PROBE_FD", ge=3)
    hold: bool = Field(default=False, validation_alias="HTTP_HOLD")

    @model_validator(mode="after")
    def _held_can_be_probed(self) -> Self:
        if self.hold and (self.fd is None or self.probe_fd is None):
            raise ValueError("HTTP_HOLD needs HTTP_FD and HTTP_PROBE_FD: else nobody could ask whether it is ready")
        if self.probe_fd is not None and self.fd is None:
            raise ValueError("HTTP_PROBE_FD needs HTTP_FD")
        return self


class PostgresSettings(Settings):
    """One pool; its waits have a limit of their own (TRAPS.md, forwarding 14)."""

    url: SecretStr = Field(validation_alias="DATABASE_URL")
    owner_url: SecretStr | None = Field(default=None, validation_alias="DATABASE_OWNER_URL")
    min_connections: int = Field(default=2, validation_alias="DATABASE_MIN_CONNECTIONS", ge=0)
    max_connections: int = Field(default=10, validation_alias="DATABASE_MAX_CONNECTIONS", ge=1)
    acquire_seconds: float = Field(default=5.0, validation_alias="DATABASE_ACQUIRE_SECONDS", gt=0)
    statement_seconds: float = Field(default=10.0, validation_alias="DATABASE_STATEMENT_SECONDS", gt=0)

    @field_validator("owner_url", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return value or None

    @model_validator(mode="after")
    def _sizes_fit(self) -> Self:
        if self.min_connections > self.max_connections:
            raise ValueError("DATABASE_MIN_CONNECTIONS is above DATABASE_MAX_CONNECTIONS")
        return self


class ReplicaSettings(Settings):
    """A replica for reads that may be stale, by the role of ``DATABASE_URL``; none: they go to the primary.

    What it shows may be ``lag_seconds`` old; the bound on it is what forgetting a user counts on (reports, ADR 25).
    """

    url: SecretStr | None = Field(default=None, validation_alias="DATABASE_READ_URL")
    lag_seconds: float = Field(default=5.0, validation_alias="DATABASE_READ_LAG_SECONDS", ge=1, le=30)

    @field_validator("url", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return value or None


class RedisSettings(Settings):
    """Redis or Valkey, one server or a cluster; a call waits at most ``timeout_seconds``."""

    url: SecretStr = Field(validation_alias="REDIS_URL")
    timeout_seconds: float = Field(default=1.0, validation_alias="REDIS_TIMEOUT_SECONDS", gt=0)

    @field_validator("url")
    @classmethod
    def _names_a_server(cls, value: SecretStr) -> SecretStr:
        checked(value.get_secret_value())
        return value


class RabbitSettings(Settings):
    """RabbitMQ; the heartbeat is short so that a dead peer is seen (TRAPS.md, RabbitMQ 1)."""

    url: SecretStr = Field(validation_alias="AMQP_URL")
    heartbeat_seconds: int = Field(default=15, validation_alias="AMQP_HEARTBEAT_SECONDS", ge=5, le=60)


class TelemetrySettings(Settings):
    """Traces over OTLP/HTTP; without an endpoint nothing is exported."""

    endpoint: str | None = Field(default=None, validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT")
    sample_ratio: float = Field(default=1.0, validation_alias="TRACES_SAMPLE_RATIO", ge=0, le=1)
    log_level: str = Field(default="INFO", validation_alias="LOG_LEVEL", pattern="^(DEBUG|INFO|WARNING|ERROR)$")


class TokenSettings(Settings):
    """What a token must say to be taken (RFC 9068 section 4)."""

    issuer: str = Field(validation_alias="TOKEN_ISSUER")
    audience: str = Field(default="gatehouse", validation_alias="TOKEN_AUDIENCE")
    jwks_url: str = Field(default="", validation_alias="JWKS_URL")


class SeedSettings(Settings):
    """Whether a worker makes the demo data when it starts."""

    demo_data: bool = Field(default=False, validation_alias="SEED_DEMO_DATA")

    def wanted_in(self, environment: Environment) -> bool:
        """Whether to seed: in development only, whatever else is set."""
        return self.demo_data and environment is Environment.DEVELOPMENT


class ScheduleSettings(Settings):
    """Whether a worker queues by the clock what the code plans; what users have stored it always does.

    Tests turn it off and queue such a job when they mean to: the clock's would come into the middle of any of them.
    """

    of_code: bool = Field(default=True, validation_alias="WORKER_SCHEDULES")


class MigrationSettings(Settings):
    """Of the migration step, which needs the owner's URL alone."""

    owner_url: SecretStr = Field(validation_alias="DATABASE_OWNER_URL", min_length=1)
    log_level: str = Field(default="INFO", validation_alias="LOG_LEVEL", pattern="^(DEBUG|INFO|WARNING|ERROR)$")


class BackendSettings(Settings):
    """Whether the network to Postgres, Redis, RabbitMQ and the like is ours alone, so that production needs no TLS."""

    plaintext: bool = Field(default=False, validation_alias="ALLOW_PLAINTEXT_BACKENDS")


class ServiceSettings(Settings):
    """What every service reads; a service adds its own concerns in a subclass.

    In production what ``unsafe`` finds ends the start, as one UnusableSettingError.
    """

    environment: Environment = Field(default=Environment.DEVELOPMENT, validation_alias="ENVIRONMENT")
    http: HttpSettings = Field(default_factory=HttpSettings)
    postgres: PostgresSettings = Field(default_factory=PostgresSettings)  # pyright: ignore[reportArgumentType] - read from the environment
    replica: ReplicaSettings = Field(default_factory=ReplicaSettings)
    redis: RedisSettings = Field(default_factory=RedisSettings)  # pyright: ignore[reportArgumentType] - the same
    rabbit: RabbitSettings = Field(default_factory=RabbitSettings)  # pyright: ignore[reportArgumentType] - the same
    telemetry: TelemetrySettings = Field(default_factory=TelemetrySettings)
    tokens: TokenSettings = Field(default_factory=TokenSettings)  # pyright: ignore[reportArgumentType] - the same
    backends: BackendSettings = Field(default_factory=BackendSettings)
    schedules: ScheduleSettings = Field(default_factory=ScheduleSettings)

    @model_validator(mode="after")
    def _safe_in_production(self) -> Self:
        if self.environment is Environment.PRODUCTION and (words := production.in_words(self.unsafe())):
            raise UnusableSettingError(words)
        return self

    def unsafe(self) -> Iterator[Unsafe]:
        """What production refuses of every service; a service with settings of its own adds to it."""
        yield from production.public_url(
            "TOKEN_ISSUER", self.tokens.issuer, "it is where clients send passwords and codes (RFC 8414 section 2)"
        )
        plaintext = self.backends.plaintext
        yield from production.backend("DATABASE_URL", self.postgres.url.get_secret_value(), plaintext=plaintext)
        if self.postgres.owner_url is not None:
            owner = self.postgres.owner_url.get_secret_value()
            yield from production.backend("DATABASE_OWNER_URL", owner, plaintext=plaintext)
        if self.replica.url is not None:
            replica = self.replica.url.get_secret_value()
            yield from production.backend("DATABASE_READ_URL", replica, plaintext=plaintext)
        yield from production.backend("REDIS_URL", self.redis.url.get_secret_value(), plaintext=plaintext)
        yield from production.backend("AMQP_URL", self.rabbit.url.get_secret_value(), plaintext=plaintext)
        if self.tokens.jwks_url:
            keys = urlsplit(self.tokens.jwks_url)
            yield from production.encrypted("JWKS_URL", keys.scheme, keys.hostname or "", plaintext=plaintext)
        yield from production.quiet_logs(self.telemetry.log_level)
        yield from production.schedules(of_code=self.schedules.of_code)
        yield from production.secret_files(_secrets_of(type(self)))


def _secrets_of(settings: type[BaseModel]) -> Iterator[str]:
    for field in settings.model_fields.values():
        kinds = {field.annotation, *get_args(field.annotation)}
        if SecretStr in kinds and isinstance(field.validation_alias, str):
            yield field.validation_alias
        for kind in kinds:
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from _secrets_of(kind)
