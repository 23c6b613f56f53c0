"""What ``ENVIRONMENT=production`` refuses of the gateway: each line names the setting and why; all are told at once."""

from __future__ import annotations

import os
import stat
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from gateway.redis_cluster.address import ClusterAddress, is_cluster
from gateway.settings import DEVELOPMENT_CLIENT_SECRET, Environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.settings import Settings

_FEWEST_CHARACTERS = 12
_WIDEST_NETWORK = {4: 8, 6: 7}
"""Prefix lengths of 10.0.0.0/8 and fc00::/7: no private network is wider."""
_NOT_ENCRYPTED = (
    "is not encrypted: what goes over the wire can be read and changed; use TLS, or say with"
    " ALLOW_PLAINTEXT_BACKENDS=true that the network to it is yours alone"
)
_SECRETS = ("REDIS_URL", "GATEWAY_CLIENT_SECRET", "ADMIN_TOKEN", "OTEL_EXPORTER_OTLP_HEADERS")


def unsafe(settings: Settings) -> Iterator[str]:
    """A line for each setting that is not safe; nothing outside production."""
    if settings.environment is not Environment.PRODUCTION:
        return
    if urlsplit(settings.issuer).scheme != "https":
        yield "TOKEN_ISSUER: must be an https URL: it is where clients send passwords and codes (RFC 8414 section 2)"
    yield from _redis(settings)
    if not (settings.plaintext_backends or _encrypted_or_here(settings.jwks_url)):
        yield f"JWKS_URL: {_NOT_ENCRYPTED}"
    if settings.limits_scale is not None and settings.limits_scale > 1:
        yield "LIMITS_SCALE: above 1 gives guessing and floods more room than the limits were made for"
    if settings.log_level == "DEBUG":
        yield "LOG_LEVEL: DEBUG logs what requests carry; use INFO"
    networks = [ip_network(text, strict=False) for text in settings.trusted_proxies]
    if any(network.prefixlen < _WIDEST_NETWORK[network.version] for network in networks):
        yield "TRUSTED_PROXIES: believes strangers on who the client is: name the networks of your own proxies"
    if settings.client_secret.get_secret_value() == DEVELOPMENT_CLIENT_SECRET:
        yield "GATEWAY_CLIENT_SECRET: production needs one of its own: the default stands in the source"
    if 0 < len(settings.admin_token.get_secret_value()) < _FEWEST_CHARACTERS:
        yield f"ADMIN_TOKEN: has less than {_FEWEST_CHARACTERS} characters"
    yield from _open_files()


def _redis(settings: Settings) -> Iterator[str]:
    url = settings.redis
    if url is None:
        return
    if is_cluster(url):
        # One word for all nodes: what holds for the first that is elsewhere holds for the setting.
        address = ClusterAddress.parse(url)
        urls = [address.url_of(place) for place in address.seeds]
        url = next((one for one in urls if not _encrypted_or_here(one)), urls[0])
    password = unquote(urlsplit(url).password or "")
    if urlsplit(url).hostname and len(password) < _FEWEST_CHARACTERS:
        yield f"REDIS_URL: has no password, or one of less than {_FEWEST_CHARACTERS} characters"
    if not (settings.plaintext_backends or _encrypted_or_here(url)):
        yield f"REDIS_URL: {_NOT_ENCRYPTED}"


def _encrypted_or_here(url: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme in {"https", "rediss"} or host in {"", "localhost"}:
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _open_files() -> Iterator[str]:
    for name in _SECRETS:
        path = os.environ.get(f"{name}_FILE")
        if path and Path(path).stat().st_mode & (stat.S_IROTH | stat.S_IWOTH):
            yield f"{name}_FILE: the file can be read by others or written by them; take that right away (chmod o=)"
