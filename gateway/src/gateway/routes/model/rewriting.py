"""The tables ``rewrite``, ``redirect``, ``request_headers`` and ``response_headers`` of a route."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from gateway.routes.model.values import Model

_VALUE = re.compile(r"[!-~\x80-\xff]([ \t!-~\x80-\xff]*[!-~\x80-\xff])?\Z")
_NAME = re.compile(r"[!#$%&'*+.^`|~0-9A-Za-z-]+\Z")
_FRAMING = frozenset(
    [
        "connection",
        "content-encoding",
        "content-length",
        "expect",
        "host",
        "http2-settings",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authentication-info",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "vary",
        "via",
    ]
)


def path_template(text: str) -> str:
    """A path with ``{parameters}``, none of which can begin an authority. Raises ValueError."""
    if not re.fullmatch(r"/|(/([A-Za-z0-9._~!$&'()*+,=:@-]|\{[a-z_]+\})+)+/?", text):
        raise ValueError("a path begins with one slash, has {parameters} and no empty part, query or escape")
    return text


def _header(name: str) -> str:
    if _NAME.match(name) is None:
        raise ValueError(f"{name!r} is no name of a header")
    if name.lower() in _FRAMING:
        raise ValueError(f"{name} belongs to the connection or the framing and is the gateway's")
    if name.lower() == "idempotency-key":
        # With it the gateway sends a POST again; a service that is not told of it would do it twice.
        raise ValueError(f"{name} is between the client and the service: it says what may be sent twice")
    return name


def _location(text: str) -> str:
    if text.startswith("/"):
        return path_template(text)
    found = re.fullmatch(r"(https?://(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?)(/.*)?", text)
    if found is None:
        raise ValueError("to is a path, or http(s)://host/path whose host has no parameter")
    if found[2]:
        path_template(found[2])
    return text


HeaderName = Annotated[str, AfterValidator(_header)]
PathTemplate = Annotated[str, AfterValidator(path_template)]


class HeadersModel(Model):
    """Headers set (in the place of any there are) and removed. Those of the framing and of identity are refused."""

    set: dict[HeaderName, str] = Field(default={}, description='Values by name, such as `{ X-Site = "eu" }`.')
    remove: tuple[HeaderName, ...] = Field(default=(), description="Names that do not pass.")

    @model_validator(mode="after")
    def _values(self) -> Self:
        for name, value in self.set.items():
            if _VALUE.match(value) is None:
                raise ValueError(f"the value of {name} has control characters, or is empty")
        return self


class RewriteModel(Model):
    """The path that the service gets in the place of the one that was asked for."""

    path: PathTemplate | None = Field(
        default=None,
        description="The whole path, with the route's parameters and `{version}`: `/v{version}/items/{id}/{rest}`.",
    )
    strip_prefix: PathTemplate | None = Field(
        default=None, description="What is taken off its front; the service gets it as `X-Forwarded-Prefix`."
    )
    add_prefix: PathTemplate | None = Field(default=None, description="What is put at its front, after `strip_prefix`.")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.path is None) == (self.strip_prefix is None and self.add_prefix is None):
            raise ValueError("a rewrite has either path, or strip_prefix and add_prefix or one of them")
        for prefix in (self.strip_prefix, self.add_prefix):
            if prefix is not None and (prefix.endswith("/") or "{" in prefix):
                raise ValueError("a prefix is /words, without parameters and without a slash at its end")
        return self


class RedirectModel(Model):
    """The route sends clients elsewhere instead of forwarding."""

    status: Literal[301, 302, 303, 307, 308] = Field(
        default=308, description="307 and 308 keep the method; 301 and 308 are for good."
    )
    to: Annotated[str, AfterValidator(_location)] = Field(
        description="A path or a URL, with the route's parameters in its path: `https://new.example.com/{rest}`. Its "
        "host is as written here, so that no request can choose where it leads."
    )
    keep_query: bool = Field(default=True, description="Whether the query goes along.")
