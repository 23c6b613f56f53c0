"""The tables ``[upstreams.*]``: a service behind the gateway and how it is treated."""

import re
from typing import Self

from pydantic import Field, model_validator

from gateway.routes.model.values import Model, Seconds


class UpstreamModel(Model):
    """One service behind the gateway and how patient the gateway is with it."""

    url: str = Field(description="`http(s)://host:port`, without a path.")
    openapi: str | None = Field(default=None, description="Path of its OpenAPI document, for the merged one.")
    health: str = Field(default="/health/ready", description="Path that answers 200 while it is healthy.")
    max_connections: int = Field(default=256, ge=1, description="Connections to it at most, of one process.")
    max_waiting: int = Field(default=1024, ge=0, description="Requests that may wait for one; one more is 503.")
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
    def _url(self) -> Self:
        if not re.fullmatch(r"https?://(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?/?", self.url):
            raise ValueError("url is http(s)://host:port without a path")
        return self
