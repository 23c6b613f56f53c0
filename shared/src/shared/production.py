"""What ``ENVIRONMENT=production`` refuses: each finding names the setting and why, and all are told at once.

The rules of every service stand here; what only one service has, it adds in its own ``unsafe`` (settings.py).
"""

import ipaddress
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

_FEWEST_CHARACTERS = 12
_WELL_KNOWN = {"postgres", "password", "guest", "admin", "secret", "redis", "rabbitmq", "changeme", "change-me"}
_ENCRYPTED = {"rediss", "rediss+cluster", "amqps", "https", "smtps", "smtp+starttls"}
_VERIFIED_OR_ENCRYPTED = {"require", "verify-ca", "verify-full"}
_WIDEST_NETWORK = {4: 8, 6: 7}
"""Prefix lengths of 10.0.0.0/8 and fc00::/7: no private network is wider."""


@dataclass(frozen=True)
class Unsafe:
    """A setting that is refused, and why; never its value."""

    setting: str
    why: str

    def __str__(self) -> str:
        """A line of the list."""
        return f"{self.setting}: {self.why}"


def in_words(findings: Iterable[Unsafe]) -> str:
    """The list for people; empty when nothing is unsafe."""
    lines = [str(finding) for finding in findings]
    return "\n    ".join(["not safe for ENVIRONMENT=production:", *lines]) if lines else ""


def public_url(setting: str, url: str, why: str) -> Iterator[Unsafe]:
    """What people and clients reach over the internet is https."""
    if urlsplit(url).scheme != "https":
        yield Unsafe(setting, f"must be an https URL: {why}")


def backend(setting: str, url: str, *, plaintext: bool) -> Iterator[Unsafe]:
    """A server behind us: its password is no guess, and the way there is encrypted or said to be private."""
    try:
        parts = urlsplit(url)
        # Of several, as a cluster's URL names them, one that is elsewhere.
        hosts = [urlsplit(f"//{text}").hostname or "" for text in parts.netloc.rpartition("@")[2].split(",")]
        host = next((name for name in hosts if not _here(name)), hosts[0])
    except ValueError:
        yield Unsafe(setting, "is not a URL")
        return
    query = parse_qs(parts.query)
    yield from _password(setting, parts, query)
    yield from encrypted(setting, parts.scheme, host, query, plaintext=plaintext)


def encrypted(
    setting: str, scheme: str, host: str, query: dict[str, list[str]] | None = None, *, plaintext: bool
) -> Iterator[Unsafe]:
    """TLS, this machine, or a network that is said to be ours alone."""
    by_query = (query or {}).get("sslmode", [""])[-1] in _VERIFIED_OR_ENCRYPTED
    if not (plaintext or scheme in _ENCRYPTED or by_query or _here(host)):
        yield Unsafe(
            setting,
            "is not encrypted: what goes over the wire can be read and changed; use TLS, or say with"
            " ALLOW_PLAINTEXT_BACKENDS=true that the network to it is yours alone",
        )


def _password(setting: str, parts: SplitResult, query: dict[str, list[str]]) -> Iterator[Unsafe]:
    if not parts.hostname or "sslcert" in query:
        return  # a socket of this machine, or a client certificate
    password = unquote(parts.password or "")
    if not password:
        yield Unsafe(setting, "has no password: whoever reaches the server owns what is in it")
    elif password.lower() in _WELL_KNOWN or password == parts.username or len(password) < _FEWEST_CHARACTERS:
        yield Unsafe(setting, f"has a well-known password, or one of less than {_FEWEST_CHARACTERS} characters")


def _here(host: str) -> bool:
    if host in {"", "localhost"}:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def secret_files(settings: Iterable[str]) -> Iterator[Unsafe]:
    """A secret's file (``NAME_FILE``) that every user of the machine can read or replace."""
    for name in settings:
        if path := os.environ.get(f"{name}_FILE"):
            yield from secret_file(f"{name}_FILE", Path(path))


def secret_file(setting: str, path: Path) -> Iterator[Unsafe]:
    """The same of one file; one that is not there is another error's matter."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return
    if mode & (stat.S_IROTH | stat.S_IWOTH):
        yield Unsafe(setting, "the file can be read by others or written by them; take that right away (chmod o=)")


def quiet_logs(level: str) -> Iterator[Unsafe]:
    """Logs for production."""
    if level == "DEBUG":
        yield Unsafe("LOG_LEVEL", "DEBUG logs what requests carry; use INFO")


def schedules(*, of_code: bool) -> Iterator[Unsafe]:
    """What the clock has to start, it starts."""
    if not of_code:
        yield Unsafe("WORKER_SCHEDULES", "without them no key is rotated, no order expires and nothing is cleaned up")


def real_limits(scale: float | None) -> Iterator[Unsafe]:
    """Limits as they stand, or lower."""
    if scale is not None and scale > 1:
        yield Unsafe("LIMITS_SCALE", "above 1 gives guessing and floods more room than the limits were made for")


def believed_networks(
    setting: str, networks: Iterable[ipaddress.IPv4Network | ipaddress.IPv6Network]
) -> Iterator[Unsafe]:
    """Whose word on the client's address is believed: never everybody's."""
    if any(network.prefixlen < _WIDEST_NETWORK[network.version] for network in networks):
        yield Unsafe(setting, "believes strangers on who the client is: name the networks of your own proxies")
