"""The tables ``[upstreams.*]``: a service behind the gateway and how it is treated."""

import re
from typing import Self

from pydantic import Field, model_validator

from gateway.routes.model.values import Model, Seconds


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
