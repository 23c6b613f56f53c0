"""The tables ``split`` and ``mirror`` of a route, and ``[switches.*]``: which upstreams get a request."""

import re
from typing import Self

from pydantic import Field, model_validator

from gateway.routes.model.values import Model, Seconds, Size
from gateway.routes.model.when import WhenModel

STICKY = re.compile(r"client|address|(cookie|header):[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class SplitModel(Model):
    """A part of a route's requests that another upstream gets: a canary."""

    upstream: str = Field(description="Who gets them.")
    weight: float = Field(
        default=0,
        ge=0,
        le=100,
        description="Percent of the clients. Who gets in stays in when it grows, and only new ones come; of several "
        "splits each draws from the clients that those before it left.",
    )
    when: WhenModel | None = Field(default=None, description="Requests that go there in any case, whatever the weight.")

    @model_validator(mode="after")
    def _has_some(self) -> Self:
        if not self.weight and self.when is None:
            raise ValueError("a split has a weight, or a when, or both: this one gets nothing")
        return self


class SwitchModel(Model):
    """A name for several upstreams of which one is active (blue and green): a route names it as an upstream."""

    active: str = Field(description="Which of `upstreams`, by its colour. To switch, change this and reload.")
    upstreams: dict[str, str] = Field(description='Upstreams by colour: `{ blue = "orders-1", green = "orders-2" }`.')

    @model_validator(mode="after")
    def _active_is_there(self) -> Self:
        if self.active not in self.upstreams:
            raise ValueError(f"active is one of {', '.join(self.upstreams)}")
        return self


class MirrorModel(Model):
    """A copy of some requests for another upstream, whose answers are dropped; the client never waits for it.

    The copy has `X-Shadow-Request: 1`, which no client can send, and the client's credentials.
    """

    upstream: str = Field(description="Who gets the copies.")
    share: float = Field(default=1.0, gt=0, le=1, description="The part of the requests, taken at random.")
    unsafe: bool = Field(
        default=False,
        description="Whether also requests that change something (not GET, HEAD or OPTIONS) are copied. They are then "
        "done twice, unless the upstream knows them by their header.",
    )
    max_body: Size = Field(default=65_536, description="Bytes of a body at most; a request with more is not copied.")
    max_in_flight: int = Field(
        default=32, ge=1, description="Copies under way at most, in each process; what is more is not copied."
    )
    timeout: Seconds = Field(default=5.0, description="How long a copy may take before it is given up.")
