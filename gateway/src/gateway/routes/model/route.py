"""The tables ``[[routes]]``: what is matched, for whom, and what becomes of it."""

import re
from datetime import UTC, datetime
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gateway.routes.model.values import Model, Seconds, Size

_PATH = re.compile(r"(/|(/([A-Za-z0-9._~-]+|\{[a-z_]+\}))+)\Z")


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
