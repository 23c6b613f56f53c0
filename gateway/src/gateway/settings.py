"""Settings of the process, from the environment; what is routed where stands in the routes file instead."""

import os
import ssl
from enum import StrEnum
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from gateway.console.settings import ConsoleSettings
from gateway.limits.patience import PATIENCE
from gateway.redis_cluster.address import ClusterAddress, is_cluster
from gateway.routes.load import DEFAULT_FILE

DEVELOPMENT_CLIENT_SECRET = "gatehouse-development-gateway-secret-of-nobody"  # noqa: S105 - of nobody who should keep one

NO_REDIS = "none"
"""What ``REDIS_URL`` says where there is no Redis."""


class Environment(StrEnum):
    """Where the process runs."""

    DEVELOPMENT = "development"
    TEST = "test"
    PRODUCTION = "production"


class FileSource(PydanticBaseSettingsSource):
    """Reads the setting ``NAME`` from the file that ``NAME_FILE`` names, as Docker secrets do."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Content of the named file, stripped; None where no file is named."""
        name = str(field.validation_alias or field_name)
        path = os.environ.get(f"{name.upper()}_FILE")
        return (Path(path).read_text().strip() if path else None), name, False

    def __call__(self) -> dict[str, Any]:
        """All settings that come from files."""
        values = (self.get_field_value(field, name) for name, field in self.settings_cls.model_fields.items())
        return {name: value for value, name, _ in values if value is not None}


class Settings(ConsoleSettings):
    """Every setting of the gateway; durations in seconds."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    environment: Environment = Field(default=Environment.DEVELOPMENT, validation_alias="ENVIRONMENT")
    host: str = Field(default="127.0.0.1", validation_alias="HTTP_HOST")
    port: int = Field(default=8000, validation_alias="HTTP_PORT", ge=0, le=65535)
    # Processes that share the port, each with its own connections to services and Redis; "auto": one a core.
    workers: int = Field(default=1, validation_alias="WORKERS", ge=1, le=256)
    routes: Path = Field(default=DEFAULT_FILE, validation_alias="GATEWAY_ROUTES")
    # How often the routes file is looked at for a change; 0: only SIGHUP and the admin view read it again.
    watch_seconds: float = Field(default=1.0, validation_alias="ROUTES_WATCH_SECONDS", ge=0, le=3600)
    # "none": limits are counted in this process, and nothing is shared with another.
    redis_url: SecretStr = Field(default=SecretStr("redis://127.0.0.1:6379/0"), validation_alias="REDIS_URL")
    # How long a request waits for what Redis says of its limits, or has kept, before it goes on without.
    redis_patience_seconds: float = Field(default=PATIENCE, validation_alias="REDIS_PATIENCE_SECONDS", gt=0, le=60)
    # Whether the network to Redis and to JWKS_URL is ours alone, so that production needs no TLS there.
    plaintext_backends: bool = Field(default=False, validation_alias="ALLOW_PLAINTEXT_BACKENDS")
    # PEM certificates of authorities that count besides the system's: for https:// services and issuer, and rediss://.
    ca_file: Path | None = Field(default=None, validation_alias="CA_FILE")
    issuer: str = Field(default="http://127.0.0.1:8000", validation_alias="TOKEN_ISSUER")
    audience: str = Field(default="gatehouse", validation_alias="TOKEN_AUDIENCE")
    revocations: str = Field(default="tokens:revoked", validation_alias="TOKEN_REVOCATIONS", min_length=1)
    # Who we are where API keys are exchanged: a client of the users service.
    client_id: str = Field(default="gateway", validation_alias="GATEWAY_CLIENT_ID", pattern="^[A-Za-z0-9-]{1,64}$")
    client_secret: SecretStr = Field(
        default=SecretStr(DEVELOPMENT_CLIENT_SECRET), validation_alias="GATEWAY_CLIENT_SECRET", min_length=32
    )
    jwks_url: str = Field(default="http://127.0.0.1:8010/.well-known/jwks.json", validation_alias="JWKS_URL")
    # How long a key that the issuer withdrew may still hold here.
    jwks_refresh_seconds: float = Field(default=60.0, validation_alias="JWKS_REFRESH_SECONDS", ge=1, le=600)
    limits_scale: float | None = Field(default=None, validation_alias="LIMITS_SCALE", gt=0)
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(default=(), validation_alias="TRUSTED_PROXIES")
    metrics_open: bool = Field(default=False, validation_alias="METRICS_OPEN")
    # The admin view: off without a port. Off loopback it needs a token; further host names it may be asked by.
    admin_port: int | None = Field(default=None, validation_alias="ADMIN_PORT", ge=0, le=65535)
    admin_host: str = Field(default="127.0.0.1", validation_alias="ADMIN_HOST")
    admin_hosts: Annotated[tuple[str, ...], NoDecode] = Field(default=(), validation_alias="ADMIN_HOSTS")
    admin_token: SecretStr = Field(default=SecretStr(""), validation_alias="ADMIN_TOKEN")
    compress: bool = Field(default=True, validation_alias="COMPRESS")
    otlp_endpoint: str | None = Field(default=None, validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT")
    otlp_headers: SecretStr = Field(default=SecretStr(""), validation_alias="OTEL_EXPORTER_OTLP_HEADERS")
    otlp_resource: str = Field(default="", validation_alias="OTEL_RESOURCE_ATTRIBUTES")
    trace_ratio: float = Field(default=1.0, validation_alias="TRACES_SAMPLE_RATIO", ge=0, le=1)
    traces_url: str | None = Field(default=None, validation_alias="TRACES_URL")
    access_log: Literal["json", "combined", "off"] = Field(default="json", validation_alias="ACCESS_LOG")
    log_level: str = Field(default="INFO", validation_alias="LOG_LEVEL", pattern="^(DEBUG|INFO|WARNING|ERROR)$")
    # How long the client may take over a head, or between two pieces of a body or an answer.
    client_seconds: float = Field(default=15.0, validation_alias="CLIENT_SECONDS", gt=0)
    # A body must come at this rate (bytes a second) once the grace is over: a trickle holds a service's connection.
    upload_rate: float = Field(default=1000.0, validation_alias="UPLOAD_RATE", gt=0)
    upload_grace_seconds: float = Field(default=5.0, validation_alias="UPLOAD_GRACE_SECONDS", gt=0)
    # And an answer must be taken at this rate once all of it is here.
    read_rate: float = Field(default=1000.0, validation_alias="READ_RATE", gt=0)
    # Connections of clients in one process (never more than it may have open files), and the part of it one address
    # may hold; a listed proxy may hold all.
    max_connections: int = Field(default=50_000, validation_alias="MAX_CONNECTIONS", ge=1)
    connection_share: float = Field(default=0.25, validation_alias="CONNECTION_SHARE", gt=0, le=1)
    # Of each upstream's connections, the part that one client address may use at a time; what is over it waits.
    client_share: float = Field(default=0.25, validation_alias="CLIENT_SHARE", gt=0, le=1)
    # Streams and WebSockets of all clients that are open at a time in one process.
    max_streams: int = Field(default=10_000, validation_alias="MAX_STREAMS", ge=1)
    keep_alive_seconds: int = Field(default=65, validation_alias="KEEP_ALIVE_SECONDS", ge=1)
    # After SIGTERM: still accepting but not ready, then the time for what is in flight.
    not_ready_seconds: float = Field(default=0.0, validation_alias="HTTP_NOT_READY_SECONDS", ge=0)
    drain_seconds: int = Field(default=15, validation_alias="HTTP_DRAIN_SECONDS", ge=1)

    # Bound sockets that whoever started the process hands to it: public ones in the place of host and port, and one of
    # its own that is served from the start; on hold the public ones are served from SIGUSR1 on.
    handed: Annotated[tuple[int, ...], NoDecode] = Field(default=(), validation_alias="HTTP_FD")
    probe_fd: int | None = Field(default=None, validation_alias="HTTP_PROBE_FD", ge=3)
    hold: bool = Field(default=False, validation_alias="HTTP_HOLD")
    # Where a doorway hands its public socket out, in the place of HTTP_FD; host and port are for probes then.
    doorway: Path | None = Field(default=None, validation_alias="HTTP_DOORWAY")
    doorway_seconds: float = Field(default=60.0, validation_alias="HTTP_DOORWAY_SECONDS", ge=0)

    @field_validator("handed", mode="before")
    @classmethod
    def _numbers(cls, value: object) -> object:
        return tuple(int(part) for part in value.split(",")) if isinstance(value, str) and value else value or ()

    @field_validator("workers", mode="before")
    @classmethod
    def _cores(cls, value: object) -> object:
        return len(os.sched_getaffinity(0)) if value == "auto" else value

    @field_validator("trusted_proxies", "admin_hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            ip_network(network, strict=False)
        return value

    @field_validator("redis_url")
    @classmethod
    def _redis_or_none(cls, value: SecretStr) -> SecretStr:
        url = value.get_secret_value()
        if not url:
            # A secret that is missing must not part the limits in silence.
            raise ValueError(f'is empty: name a server, or say "{NO_REDIS}" to count limits in this process alone')
        if is_cluster(url):
            ClusterAddress.parse(url)
        elif url != NO_REDIS and not url.startswith(("redis://", "rediss://")):
            raise ValueError(f'must begin with redis:// or rediss:// (a cluster: redis+cluster://), or be "{NO_REDIS}"')
        return value

    @field_validator("ca_file")
    @classmethod
    def _authorities(cls, value: Path | None) -> Path | None:
        if value is not None:
            try:
                ssl.create_default_context(cafile=value)
            except OSError as error:
                raise ValueError(f"{value} holds no certificates that can be read") from error
        return value

    @model_validator(mode="after")
    def _held_can_be_probed(self) -> Self:
        if self.doorway is not None and (self.handed or self.probe_fd is not None):
            raise ValueError("HTTP_DOORWAY hands out what HTTP_FD and HTTP_PROBE_FD name: say the one or the other")
        if self.hold and self.probe_fd is None and self.doorway is None:
            raise ValueError("HTTP_HOLD needs HTTP_PROBE_FD: else nobody could ask whether it is ready")
        if self.probe_fd is not None and not self.handed:
            raise ValueError("HTTP_PROBE_FD needs HTTP_FD")
        return self

    @model_validator(mode="after")
    def _admin_is_guarded(self) -> Self:
        open_to_others = self.admin_host not in ("127.0.0.1", "::1", "localhost")
        if self.admin_port is not None and open_to_others and not self.admin_token.get_secret_value():
            raise ValueError("ADMIN_HOST is not loopback, so ADMIN_TOKEN is needed")
        return self

    @property
    def redis(self) -> str | None:
        """The URL of Redis; None where the process is to do without."""
        url = self.redis_url.get_secret_value()
        return None if url == NO_REDIS else url

    @property
    def scale(self) -> float:
        """What multiplies every limit: the real figures except where people try the system out."""
        if self.limits_scale is not None:
            return self.limits_scale
        return 100.0 if self.environment is Environment.DEVELOPMENT else 1.0

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the environment is the one source
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - FileSource is explicit by name
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order of the sources; the first that has a value wins."""
        return init_settings, env_settings, FileSource(settings_cls)
