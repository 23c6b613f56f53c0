"""What the routes file may say, as pydantic models, a file for each kind of table; all else in it is an error."""

from typing import Any

from pydantic import Field, model_validator

from gateway.routes.model.api_keys import Exchange
from gateway.routes.model.limits import LimitPolicy
from gateway.routes.model.route import Deprecation, RedisDown, RouteModel, Timeouts
from gateway.routes.model.upstreams import UpstreamModel
from gateway.routes.model.values import Model, Size

__all__ = [
    "Defaults",
    "Deprecation",
    "Exchange",
    "LimitPolicy",
    "RouteModel",
    "RoutesModel",
    "Timeouts",
    "UpstreamModel",
]


class Defaults(Model):
    """What a route that says nothing gets."""

    versions: tuple[int, ...] = ()
    timeouts: Timeouts | None = None
    limits: tuple[str, ...] | None = None
    redis_down: RedisDown | None = None
    max_body: Size | None = None


class RoutesModel(Model):
    """The whole file."""

    api_prefix: str = Field(default="/api", pattern=r"^(/[A-Za-z0-9._~-]+)+$")
    defaults: Defaults = Defaults()
    api_keys: Exchange | None = None
    # Of each quota, for one process, while Redis is away and the route says "local".
    local_share: float = Field(default=0.25, gt=0, le=1)
    limits: dict[str, LimitPolicy] = Field(default={})
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
