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
