"""The table ``[admission]`` and the tables ``cors``: which hosts, addresses and pages a request may come from."""

from ipaddress import ip_network
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from gateway.routes.model.values import Model, Seconds


def _network(text: str) -> str:
    try:
        ip_network(text)
    except ValueError as error:
        raise ValueError(f"a network is an address or a CIDR block, such as 10.0.0.0/8: {error}") from error
    return text


Network = Annotated[str, AfterValidator(_network)]
Host = Annotated[str, Field(pattern=r"^(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$|^\[[0-9A-Fa-f:.]+\]$")]
Origin = Annotated[str, Field(pattern=r"^(\*|https?://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?)$")]
Token = Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")]


class AdmissionModel(Model):
    """What every forwarded request is held to before its route; the gateway's own paths are not."""

    hosts: tuple[Host, ...] = Field(
        default=(),
        description="Trusted hosts: names, or `*.example.com` for all below one. A request for another is 421 "
        "(RFC 9110 section 15.5.20). None: any host.",
    )
    allow: tuple[Network, ...] = Field(
        default=(), description="Networks that client addresses must be in, by the real address; else 403. None: any."
    )
    deny: tuple[Network, ...] = Field(
        default=(), description="Networks that are refused (403), also where `allow` has them."
    )


class CorsModel(Model):
    """Which pages of other origins may use a route from a browser. Preflights are answered by the gateway."""

    origins: tuple[Origin, ...] = Field(
        description="Exact origins, such as `https://app.example.com`, or `*`; none: not even those of `[defaults]`."
    )
    headers: tuple[Token, ...] = Field(
        default=(
            "Accept",
            "Authorization",
            "Content-Type",
            "Idempotency-Key",
            "If-Match",
            "If-None-Match",
            "X-API-Key",
        ),
        description="Request headers that pages may send.",
    )
    expose: tuple[Token, ...] = Field(
        default=(
            "API-Version",
            "ETag",
            "Link",
            "Location",
            "RateLimit",
            "RateLimit-Policy",
            "Retry-After",
            "X-Request-ID",
        ),
        description="Headers of answers that pages may read.",
    )
    credentials: bool = Field(default=False, description="Whether browsers may send cookies; never with `*`.")
    max_age: Seconds = Field(default=600.0, description="How long a browser may keep the answer to a preflight.")

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if "*" in self.origins and len(self.origins) > 1:
            raise ValueError("origins are * alone, or exact ones")
        if "*" in self.origins and self.credentials:
            raise ValueError("credentials need exact origins: with * any page could use the visitor's session")
        return self
