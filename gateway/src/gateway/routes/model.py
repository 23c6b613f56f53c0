"""What the routes file may say, as pydantic models; everything else in it is an error.

Durations are written as people do, ``500ms``, ``30s``, ``5m``, ``1h``; sizes as ``1MB``; quotas as ``100/1h``.
"""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZES = {"B": 1, "KB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000}
_PATH = re.compile(r"(/|(/([A-Za-z0-9._~-]+|\{[a-z_]+\}))+)\Z")


def seconds(value: object) -> object:
    """``30s`` as 30.0; a number is taken as seconds."""
    if isinstance(value, str):
        found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", value)
        if found is None:
            raise ValueError("a duration is a number with ms, s, m, h or d, such as 30s")
        return float(found[1]) * _UNITS[found[2]]
    return value


def size(value: object) -> object:
    """``1MB`` as 1000000; a number is taken as bytes."""
    if isinstance(value, str):
        found = re.fullmatch(r"(\d+)(B|KB|MB|GB)", value)
        if found is None:
            raise ValueError("a size is a number with B, KB, MB or GB, such as 1MB")
        return int(found[1]) * _SIZES[found[2]]
    return value


def quota(value: object) -> object:
    """``100/1h`` as a quota of 100 in a window of 3600 seconds."""
    if isinstance(value, str):
        count, slash, window = value.partition("/")
        if not slash or not count.isdigit():
            raise ValueError("a quota is a number, a slash and a duration, such as 100/1h")
        return {"quota": int(count), "window": seconds(window)}
    return value


Seconds = Annotated[float, BeforeValidator(seconds), Field(gt=0)]
Size = Annotated[int, BeforeValidator(size), Field(ge=0)]


class Model(BaseModel):
    """Base of the file's tables: an unknown field is a typing mistake and is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Quota(Model):
    """So many requests in any window of so many seconds."""

    quota: int = Field(gt=0)
    window: float = Field(ge=1)


QuotaText = Annotated[Quota, BeforeValidator(quota)]


class LimitPolicy(Model):
    """One limit: whom it counts (``client``: the user, else the address) and how much each tier has."""

    by: Literal["client", "address"] = "client"
    anonymous: QuotaText
    tiers: dict[str, QuotaText] = {}


class UpstreamModel(Model):
    """One service behind the gateway and how patient the gateway is with it."""

    url: str
    openapi: str | None = None
    health: str = "/health/ready"
    max_connections: int = Field(default=256, ge=1)
    max_waiting: int = Field(default=1024, ge=0)
    wait: Seconds = 1.0
    connect: Seconds = 2.0
    # Below uvicorn's own 5 s, so that mostly the gateway closes an idle connection and not the service.
    keep_alive: Seconds = 4.0
    preserve_host: bool = True

    @model_validator(mode="after")
    def _url(self) -> Self:
        if not re.fullmatch(r"https?://(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?/?", self.url):
            raise ValueError("url is http(s)://host:port without a path")
        return self


class Timeouts(Model):
    """Deadlines of a forwarded request; ``total`` is not applied to a stream."""

    first_byte: Seconds = 15.0
    idle: Seconds = 30.0
    total: Seconds = 60.0


class Deprecation(Model):
    """A version of a route that is going away (RFC 9745, RFC 8594)."""

    version: int = Field(ge=1)
    since: datetime
    sunset: datetime
    successor: str

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.since.tzinfo is None or self.sunset.tzinfo is None:
            raise ValueError("since and sunset need a time zone, such as 2030-01-01T00:00:00Z")
        if self.sunset.astimezone(UTC) < self.since.astimezone(UTC):
            raise ValueError("sunset is before since")
        return self


RedisDown = Literal["open", "closed", "local"]


class RouteModel(Model):
    """One path with the methods that share everything below."""

    path: str
    methods: Annotated[tuple[Literal["GET", "POST", "PUT", "PATCH", "DELETE"], ...], Field(min_length=1)]
    upstream: str
    versions: tuple[int, ...] = ()
    default_version: int | None = None
    identity: Literal["required", "optional", "ignored"] = "required"
    scopes: tuple[str, ...] = ()
    limits: tuple[str, ...] = ("default",)
    redis_down: RedisDown = "local"
    max_body: Size = 1_000_000
    stream: bool = False
    # Live streams of one client on the route, in one process.
    max_streams: int = Field(default=10, ge=1)
    timeouts: Timeouts = Timeouts()
    deprecated: Deprecation | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not _PATH.match(self.path):
            raise ValueError("path is /words/{name}/... with no trailing slash")
        if self.default_version is not None and self.default_version not in self.versions:
            raise ValueError("default_version is not one of versions")
        if self.scopes and self.identity != "required":
            raise ValueError('scopes need identity = "required"')
        if self.deprecated is not None and self.deprecated.version not in self.versions:
            raise ValueError("deprecated.version is not one of versions")
        return self


class Defaults(Model):
    """What a route that says nothing gets."""

    versions: tuple[int, ...] = ()
    timeouts: Timeouts | None = None
    limits: tuple[str, ...] | None = None
    redis_down: RedisDown | None = None
    max_body: Size | None = None


class Exchange(Model):
    """Where an API key is exchanged for a token; what is no key is refused without asking."""

    upstream: str
    path: str = Field(pattern=r"^/[!-~]*$")
    # What a key looks like; one of another shape cannot be valid.
    pattern: str = r"[!-~]{1,512}"
    # Keys of one address that turn out not to hold: asking about more waits.
    unknown: QuotaText = Quota(quota=20, window=60)

    @model_validator(mode="after")
    def _pattern(self) -> Self:
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise ValueError(f"pattern is not a regular expression: {error}") from error
        return self


class RoutesModel(Model):
    """The whole file."""

    api_prefix: str = Field(default="/api", pattern=r"^(/[A-Za-z0-9._~-]+)+$")
    defaults: Defaults = Defaults()
    api_keys: Exchange | None = None
    # Of each quota, for one process, while Redis is away and the route says "local".
    local_share: float = Field(default=0.25, gt=0, le=1)
    limits: dict[str, LimitPolicy] = {}
    upstreams: dict[str, UpstreamModel]
    routes: tuple[RouteModel, ...]

    @model_validator(mode="before")
    @classmethod
    def _fill_defaults(cls, data: Any) -> Any:
        if not isinstance(data, dict) or not isinstance(data.get("defaults"), dict):
            return data
        filled = [
            {**data["defaults"], **route} if isinstance(route, dict) else route for route in data.get("routes", ())
        ]
        return {**data, "routes": filled}
