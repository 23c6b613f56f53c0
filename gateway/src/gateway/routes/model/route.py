"""The tables ``[[routes]]``: what is matched, for whom, and what becomes of it."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from gateway.routes.model.admission import CorsModel, Host, Network
from gateway.routes.model.caching import CacheModel
from gateway.routes.model.hedging import Hedging
from gateway.routes.model.retries import Retries
from gateway.routes.model.rewriting import HeadersModel, RedirectModel, RewriteModel
from gateway.routes.model.splitting import STICKY, MirrorModel, SplitModel
from gateway.routes.model.values import Model, Seconds, Size
from gateway.routes.model.when import WhenModel
from gateway.routes.template import names_in

_ORIGIN = re.compile(r"(\*|https?://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?)\Z")
_PATH = re.compile(r"(/|(/([A-Za-z0-9._~-]+|\{[a-z_]+\}))*(/\{[a-z_]+\*\})?)\Z")


def _one_or_more(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


class Timeouts(Model):
    """Deadlines of a forwarded request; ``total`` is not applied to a stream.

    The service learns in `X-Request-Timeout-Ms` how many milliseconds its answer is waited for.
    """

    first_byte: Seconds = Field(default=15.0, description="From the end of the request to the head of the answer.")
    idle: Seconds = Field(default=30.0, description="Between two pieces of the answer.")
    total: Seconds = Field(default=60.0, description="From the head of the request to the end of the answer.")


class Deprecation(Model):
    """A version of a route that is going away (RFC 9745, RFC 8594)."""

    version: int = Field(ge=1, description="Which of the route's versions.")
    since: datetime = Field(description="Since when, for `Deprecation`; with a time zone.")
    sunset: datetime = Field(description="When it ends, for `Sunset`; from then on it is 410.")
    successor: str = Field(description="The path that follows it, with the same parameters, for `Link`.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.since.tzinfo is None or self.sunset.tzinfo is None:
            raise ValueError("since and sunset need a time zone, such as 2030-01-01T00:00:00Z")
        if self.sunset.astimezone(UTC) < self.since.astimezone(UTC):
            raise ValueError("sunset is before since")
        return self


RedisDown = Literal["open", "closed", "local"]
Identity = Literal["required", "optional", "ignored"]
Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "*"]
Priority = Literal["high", "normal", "low"]
PRIORITIES: tuple[Priority, ...] = ("high", "normal", "low")


class RouteModel(Model):
    """One path with the methods that share everything below."""

    name: str = Field(
        default="",
        pattern=r"^[!-~]{0,100}$",
        description="What metrics, logs and spans call it; by default its path. For routes that share one.",
    )
    path: str = Field(
        description="`/words/{parameter}/...`, without its version and without a trailing slash; a last `/{rest*}` "
        "takes all that follows, a trailing slash included. Of the paths that fit, words beat parameters beat the rest."
    )
    hosts: tuple[Host, ...] = Field(
        default=(),
        description="Only for these `Host`s: a name, or `*.example.com` for all below it; the most specific one that "
        "has the path decides, and routes without hosts come last.",
    )
    methods: Annotated[tuple[Method, ...], Field(min_length=1)] = Field(
        description='The methods it takes; "*" is any but TRACE and CONNECT. HEAD comes with GET, and OPTIONS is '
        "answered by the gateway unless they are listed. A path that has no route for a method is 405, "
        "also where a wider path would take it."
    )
    when: WhenModel | None = Field(
        default=None,
        description="What else a request must have; of several routes for a path and method the one that asks for "
        "most wins.",
    )
    upstream: str = Field(default="", description="The service it goes to; every route has either this or `redirect`.")
    split: tuple[SplitModel, ...] = Field(
        default=(), description="Parts of the requests that other upstreams get: canaries. The first that fits."
    )
    sticky: str = Field(
        default="client",
        description='What a split knows a client by: "client" (the user, else the address), "address" (IPv6: /64), '
        '"cookie:NAME" or "header:NAME" (else the address).',
    )
    mirror: MirrorModel | None = Field(default=None, description="Copies requests to another upstream.")
    redirect: RedirectModel | None = Field(default=None, description="Sends clients elsewhere instead.")
    rewrite: RewriteModel | None = Field(default=None, description="Changes the path on its way to the service.")
    request_headers: HeadersModel | None = Field(
        default=None, description="Changes headers on their way to the service; none of identity or forwarding."
    )
    response_headers: HeadersModel | None = Field(
        default=None, description="Changes headers of the service's answers; none of those that the gateway states."
    )
    allow: tuple[Network, ...] = Field(
        default=(), description="Networks that client addresses must be in, beside what `[admission]` says; else 403."
    )
    deny: tuple[Network, ...] = Field(default=(), description="Networks that are refused, also where `allow` has them.")
    cors: CorsModel | None = Field(default=None, description="Lets pages of other origins use it.")
    versions: tuple[int, ...] = Field(default=(), description="The versions it exists in; none outside `api_prefix`.")
    default_version: int | None = Field(
        default=None, description="The version when a request names none; by default the lowest."
    )
    identity: Identity = Field(
        default="required",
        description='"optional": credentials that are sent must hold; "ignored": only the service reads them.',
    )
    scopes: tuple[str, ...] = Field(default=(), description="Scopes that a token must have; else 403.")
    limits: tuple[str, ...] = Field(
        default=("default",),
        description="All of them are charged, or none. By default the limit of that name, where there is one.",
    )
    cost: int = Field(
        default=1, ge=1, le=1000, description="What a request takes of each of its limits; a refused one takes nothing."
    )
    redis_down: RedisDown = Field(
        default="local",
        description="Its limits while Redis is away: all pass, none passes (503), or a local share of the quota does.",
    )
    max_body: Size = Field(default=1_000_000, description="Bytes of a request's body at most; else 413.")
    stream: bool = Field(default=False, description="An endless answer: no total deadline; ended when we stop.")
    max_streams: int = Field(
        default=10, ge=1, description="Live streams of one client at a time, in one process; one more is 429."
    )
    websocket: bool = Field(
        default=False,
        description=(
            "Whether a WebSocket handshake (RFC 6455) is passed on and, when the service agrees, bytes both ways. "
            "Identity, scopes and limits are those of any request; `max_streams` caps the open ones of one client, "
            "`timeouts.idle` ends one on which neither side sends. Elsewhere the Upgrade is ignored."
        ),
    )
    websocket_origins: tuple[str, ...] = Field(
        default=(),
        description=(
            "Origins, such as `https://app.example.com`, whose pages may open a WebSocket besides pages of the host "
            "that is asked; `*` for any. A client without Origin is no browser and is not held to it. Else 403."
        ),
    )
    priority: Priority = Field(
        default="normal",
        description="Who is refused first when the upstream is overloaded (`[upstreams.NAME.concurrency]`): low, then "
        "normal, then high.",
    )
    timeouts: Timeouts = Field(default=Timeouts(), description="How long each part may take; then 504.")
    deprecated: Annotated[tuple[Deprecation, ...], BeforeValidator(_one_or_more)] = Field(
        default=(), description="A version of it that is going away; `[[routes.deprecated]]` for several."
    )
    retries: Retries | None = Field(
        default=None, description="Further attempts, beyond the two that are always made where they are safe."
    )
    hedging: Hedging | None = Field(
        default=None, description="A second attempt at a GET that is slow; `hedging = {}` after the p95 seen."
    )
    cache: CacheModel | None = Field(default=None, description="Keep the answers to GET; without it nothing is kept.")
    invalidates: tuple[str, ...] = Field(
        default=(),
        description="Further paths, written as a route's `path` with parameters of this one, whose kept answers a "
        "successful request of an unsafe method here puts out of date, in all versions. The route's own path, and "
        "Location and Content-Location of the answer, count without being named.",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.hedging is not None and ("GET" not in self.methods or self.stream):
            raise ValueError("hedging is for GET, and not for a stream")
        if not _PATH.match(self.path):
            raise ValueError("path is /words/{name}/... with no trailing slash, and only a last part may be {name*}")
        if self.default_version is not None and self.default_version not in self.versions:
            raise ValueError("default_version is not one of versions")
        wrong = [origin for origin in self.websocket_origins if not _ORIGIN.match(origin)]
        if wrong or (self.websocket_origins and not self.websocket):
            raise ValueError("websocket_origins are *, or https://host:port in lower case, beside websocket = true")
        if self.websocket and not {"GET", "*"} & set(self.methods):
            raise ValueError("a WebSocket is opened by GET, which is not one of methods")
        if self.scopes and self.identity != "required":
            raise ValueError('scopes need identity = "required"')
        ending = [one.version for one in self.deprecated]
        if not set(ending) <= set(self.versions):
            raise ValueError("deprecated.version is not one of versions")
        if len(set(ending)) < len(ending):
            raise ValueError("a version is deprecated twice")
        return self

    @model_validator(mode="after")
    def _leads_somewhere(self) -> Self:
        if bool(self.upstream) == (self.redirect is not None):
            raise ValueError("a route has either an upstream or a redirect")
        if self.redirect is not None and (self.rewrite or self.request_headers or self.response_headers):
            raise ValueError("a redirect is not forwarded: there is nothing to rewrite")
        if sum(split.weight for split in self.split) > 100:  # noqa: PLR2004 - percent
            raise ValueError("the weights of split are more than 100 percent")
        if STICKY.fullmatch(self.sticky) is None:
            raise ValueError("sticky is client, address, cookie:NAME or header:NAME")
        if self.redirect is not None and (self.split or self.mirror):
            raise ValueError("a redirect is not forwarded: there is nothing to split or mirror")
        if self.mirror is not None and self.stream:
            raise ValueError("a stream is not mirrored: it would never end")
        strip = self.rewrite.strip_prefix if self.rewrite is not None else None
        if strip is not None and not f"{self.path}/".startswith(f"{strip}/"):
            raise ValueError("path does not begin with rewrite.strip_prefix")
        names = names_in(self.path)
        if len(set(names)) < len(names):
            raise ValueError("a parameter of path is there twice")
        for field, template in self._templates():
            self._fillable(field, template, names)
        return self

    @model_validator(mode="after")
    def _cacheable(self) -> Self:
        if self.cache is not None and (not {"GET", "*"} & set(self.methods) or self.stream):
            raise ValueError("cache is for a route with GET that is no stream")
        return self

    def _fillable(self, field: str, template: str, names: list[str]) -> None:
        for name in names_in(template):
            if name not in names and not (name == "version" and self.versions):
                raise ValueError(f"{field} has a parameter {{{name}}} that path has not")
            # Empty, it would leave "//" in the middle, which at the front begins a host that the request chose.
            once = template.count(f"{{{name}}}") == 1 and template.endswith(f"/{{{name}}}")
            if f"{{{name}*}}" in self.path and not once:
                raise ValueError(f"{field} may have {{{name}}} only as its last part")

    def _templates(self) -> Iterator[tuple[str, str]]:
        for one in self.deprecated:
            yield "deprecated.successor", one.successor
        if self.rewrite is not None and self.rewrite.path is not None:
            yield "rewrite.path", self.rewrite.path
        if self.redirect is not None:
            yield "redirect.to", self.redirect.to
