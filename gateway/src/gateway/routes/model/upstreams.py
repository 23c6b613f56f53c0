"""The tables ``[upstreams.*]``: a service behind the gateway and how it is treated."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from gateway.routes.model.values import Model, Seconds


def _origin(url: str) -> str:
    if not re.fullmatch(r"https?://(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?/?", url):
        raise ValueError("url is http(s)://host:port without a path")
    return url.rstrip("/")


Origin = Annotated[str, AfterValidator(_origin)]


class TargetModel(Model):
    """One address at which the service runs."""

    url: Origin = Field(description="http(s)://host:port, without a path.")
    weight: int = Field(default=1, ge=1, le=1000, description="Its part of the requests, beside the others' weights.")


class EjectionModel(Model):
    """When a target that fails gets no requests for a while; where there are several."""

    consecutive: int = Field(
        default=5,
        ge=1,
        description="So many failures in a row eject it: connects that fail, broken connections, timeouts, answers of "
        "500 and above.",
    )
    base: Seconds = Field(default=5.0, description="For how long the first time; each further time doubles it.")
    longest: Seconds = Field(default=300.0, description="For how long at most.")
    share: float = Field(
        default=0.5, gt=0, le=1, description="The part of the targets that may be ejected; never the last one."
    )


class HealthCheckModel(Model):
    """Asks each target's `health` path again and again; one that does not answer 200 gets no requests."""

    interval: Seconds = Field(default=5.0, description="Between two questions to one target.")
    timeout: Seconds = Field(default=2.0, description="How long an answer may take.")
    unhealthy_after: int = Field(default=3, ge=1, description="So many bad answers in a row take it out.")
    healthy_after: int = Field(default=2, ge=1, description="So many good ones in a row bring it back.")


class BreakerModel(Model):
    """While most requests fail, refuse them at once: 503 `circuit_open` with `Retry-After`."""

    failure_rate: float = Field(default=0.5, gt=0, le=1, description="The part of failed requests that opens it.")
    window: Seconds = Field(default=10.0, description="Over this long.")
    minimum: int = Field(default=20, ge=1, description="With at least so many requests in it.")
    open_time: Seconds = Field(default=5.0, description="How long it stays open before it lets probes through.")
    probes: int = Field(default=3, ge=1, description="So many requests must succeed to close it; one failure opens it.")
    server_errors: bool = Field(
        default=False,
        description="Whether every answer of 500 and above is a failure, and not only 502, 503 and 504, failed "
        "connects, broken connections and timeouts.",
    )


class ConcurrencyModel(Model):
    """Finds out how many requests the service takes at a time, and refuses more (503 `overloaded`), by priority."""

    initial: int = Field(
        default=50, ge=1, description="The limit to begin with, and to come back to in calm times, in each process."
    )
    least: int = Field(default=4, ge=1, description="It goes no lower.")
    most: int | None = Field(default=None, ge=1, description="It goes no higher; by default the connections' number.")
    tolerance: float = Field(
        default=1.25,
        gt=1,
        le=4,
        description="An answer time of so many times the calm one is no sign of overload yet.",
    )
    window: Seconds = Field(default=0.1, description="How often the limit is set anew.")
    probe: Seconds = Field(
        default=10.0, description="How often the calm answer time is measured while the limit is in use, by halving it."
    )


class UpstreamModel(Model):
    """One service behind the gateway and how patient the gateway is with it."""

    url: Origin | None = Field(
        default=None, description="Where the service runs, when that is one place: `http(s)://host:port`."
    )
    targets: tuple[TargetModel, ...] = Field(
        default=(), description="Where the service runs, when that is several places; instead of `url`."
    )
    balancing: Literal["least_outstanding", "p2c", "round_robin"] = Field(
        default="least_outstanding",
        description="Which target gets a request: `least_outstanding` the one with the fewest requests under way, "
        "`p2c` the better of two picked at random, `round_robin` each in turn. All keep the weights.",
    )
    openapi: str | None = Field(default=None, description="Path of its OpenAPI document, for the merged one.")
    health: str = Field(default="/health/ready", description="Path that answers 200 while it is healthy.")
    max_connections: int = Field(default=256, ge=1, description="Connections to each target at most, of one process.")
    max_waiting: int = Field(
        default=1024, ge=0, description="Requests that may wait for one at each target; one more is 503."
    )
    wait: Seconds = Field(default=1.0, description="How long one may wait for a connection; then 503.")
    connect: Seconds = Field(default=2.0, description="How long a connect may take; then 504.")
    # Below uvicorn's own 5 s, so that mostly the gateway closes an idle connection and not the service.
    keep_alive: Seconds = Field(
        default=4.0, description="How long an idle connection is kept: less than the service itself keeps it."
    )
    preserve_host: bool = Field(
        default=True, description="Whether the service sees the client's `Host`, or the one of its own URL."
    )
    max_streams: int | None = Field(
        default=None,
        ge=1,
        description="Live streams to it at most, of one process, so that streams leave connections to the others; by "
        "default half of the connections.",
    )
    slow_start: Seconds | None = Field(
        default=None,
        description="A new target, or one that comes back, gets its full part of the requests after so long.",
    )
    panic: float = Field(
        default=0.3, ge=0, le=1, description="When less than this part of the targets is usable, all of them are used."
    )
    ejection: EjectionModel | None = Field(default=EjectionModel(), description="Only where there are several targets.")
    health_checks: HealthCheckModel | None = Field(default=None, description="Without it nobody asks.")
    breaker: BreakerModel | None = Field(default=None, description="Without it there is none.")
    concurrency: ConcurrencyModel | None = Field(default=None, description="Without it there is no such limit.")

    @model_validator(mode="after")
    def _one_or_several(self) -> Self:
        if (self.url is None) == (not self.targets):
            raise ValueError("an upstream has either url or targets")
        urls = [target.url for target in self.targets]
        if len(set(urls)) < len(urls):
            raise ValueError("two targets have the same url")
        return self

    @property
    def places(self) -> tuple[TargetModel, ...]:
        """The targets, however they were written."""
        return self.targets or (TargetModel(url=self.url or ""),)
