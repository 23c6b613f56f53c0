"""What the routes file may say, as pydantic models, a file for each kind of table; all else in it is an error."""

from typing import Any, Literal

from pydantic import Field, model_validator

from gateway.routes.model.admission import AdmissionModel, CorsModel
from gateway.routes.model.api_keys import ApiKeysModel
from gateway.routes.model.caching import CacheModel, CacheStore
from gateway.routes.model.limits import LimitName, LimitPolicy
from gateway.routes.model.rewriting import HeadersModel, RedirectModel, RewriteModel
from gateway.routes.model.route import PRIORITIES, Deprecation, Identity, RedisDown, RouteModel, Timeouts
from gateway.routes.model.splitting import MirrorModel, SplitModel, SwitchModel
from gateway.routes.model.upstreams import (
    BreakerModel,
    ConcurrencyModel,
    EjectionModel,
    HealthCheckModel,
    TargetModel,
    UpstreamModel,
)
from gateway.routes.model.values import Model, Size
from gateway.routes.model.when import WhenModel

__all__ = [
    "PRIORITIES",
    "AdmissionModel",
    "ApiKeysModel",
    "BreakerModel",
    "CacheModel",
    "CacheStore",
    "ConcurrencyModel",
    "CorsModel",
    "Defaults",
    "Deprecation",
    "EjectionModel",
    "HeadersModel",
    "HealthCheckModel",
    "LimitPolicy",
    "MirrorModel",
    "RedirectModel",
    "RewriteModel",
    "RouteModel",
    "RoutesModel",
    "SplitModel",
    "SwitchModel",
    "TargetModel",
    "Timeouts",
    "UpstreamModel",
    "WhenModel",
]


class Defaults(Model):
    """What a route that says nothing gets."""

    versions: tuple[int, ...] = Field(default=(), description="As the field of a route.")
    identity: Identity | None = Field(default=None, description="As the field of a route.")
    timeouts: Timeouts | None = Field(default=None, description="As the table of a route.")
    limits: tuple[str, ...] | None = Field(default=None, description="As the field of a route.")
    redis_down: RedisDown | None = Field(default=None, description="As the field of a route.")
    cors: CorsModel | None = Field(
        default=None, description="As the table of a route; also for answers that no route gives, such as a 404."
    )
    max_body: Size | None = Field(default=None, description="As the field of a route.")


class RoutesModel(Model):
    """The whole file."""

    api_prefix: str = Field(
        default="/api",
        pattern=r"^(/[A-Za-z0-9._~-]+)*$",
        description="Routes under this prefix have versions: `/api/things` is served as `/api/v1/things` as well. No "
        "route without versions takes a path under it, unless no route of the file has any.",
    )
    admission: AdmissionModel = Field(
        default=AdmissionModel(), description="What every forwarded request is held to before its route."
    )
    own: tuple[Literal["page", "console", "docs", "health", "metrics"], ...] = Field(
        default=("page", "console", "docs", "health", "metrics"),
        description="What the gateway answers by itself: the page at `/` (and `/favicon.ico`), `/console/...` for "
        "admins, `/docs` with `/openapi.json`, `/health/...`, `/metrics`. The paths of what is left out are for the "
        "routes.",
    )
    defaults: Defaults = Field(default=Defaults(), description="What a route that says nothing gets.")
    api_keys: ApiKeysModel | None = Field(default=None, description="Takes `X-API-Key`; without it no key is taken.")
    local_share: float = Field(
        default=0.25,
        gt=0,
        le=1,
        description=(
            "The part of each quota that one gateway, all its `WORKERS` together, admits while Redis is away and the "
            'route says "local". It is given once in a window, however often Redis goes; a Redis that comes back '
            "without its data counts anew."
        ),
    )
    cache: CacheStore = Field(default=CacheStore(), description="The room for kept answers.")
    limits: dict[LimitName, LimitPolicy] = Field(default={}, description="Limits by name, for the routes to name.")
    upstreams: dict[str, UpstreamModel] = Field(description="Services by name, for the routes to name.")
    switches: dict[str, SwitchModel] = Field(
        default={}, description="Names that stand for one of several upstreams: blue and green."
    )
    routes: tuple[RouteModel, ...] = Field(description="What is matched, and what becomes of it.")

    @model_validator(mode="before")
    @classmethod
    def _fill_defaults(cls, data: Any) -> Any:
        if not isinstance(data, dict) or not isinstance(data.get("routes"), (list, tuple)):
            return data
        given, limits = data.get("defaults"), data.get("limits")
        # A file without a limit of that name is one without limits, not a wrong one.
        named = {} if isinstance(limits, dict) and "default" in limits else {"limits": ()}
        defaults = {**named, **(given if isinstance(given, dict) else {})}
        filled = [{**defaults, **route} if isinstance(route, dict) else route for route in data["routes"]]
        return {**data, "routes": filled}

    def resolved(self, upstream: str) -> str:
        """The upstream that a name stands for: the active one of a switch, else itself."""
        switch = self.switches.get(upstream)
        return upstream if switch is None else switch.upstreams[switch.active]
