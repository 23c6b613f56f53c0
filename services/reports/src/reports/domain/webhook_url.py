"""A webhook's URL, read so that it has one meaning, or refused.

Readers of URLs differ in what they take the host to be, and what differs is a way around a check. So
whatever has two readings is refused instead of understood: only what this module read is connected to.
"""

import ipaddress
import re
from dataclasses import dataclass

from reports.domain.webhook_address import HTTPS, Address
from shared.problems import BadRequest

MOST_CHARACTERS = 2000

# What RFC 3986 lets stand in a URL, but the backslash's cousins and spaces that some readers drop or turn.
_CHARACTERS = re.compile(r"[A-Za-z0-9\-._~:/?@!$&'()*+,;=%\[\]]+")
_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_AUTHORITY = re.compile(r"(?:\[(?P<ipv6>[^\[\]]*)\]|(?P<name>[^\[\]:]+))(?::(?P<port>[0-9]{1,5}))?")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?")
_NUMBER = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)")
# Names that are no names of the public DNS (RFC 6761, RFC 6762, RFC 8375, ICANN's .internal).
_INSIDE = ("localhost", "local", "localdomain", "internal", "intranet", "lan", "home", "corp", "home.arpa", "onion")
_MOST_NAME = 253
_MOST_PORT = 65535


class UrlRefused(BadRequest):
    """The URL is not one that a webhook may have."""

    def __init__(self, detail: str) -> None:
        super().__init__("webhook_url_refused", detail)


class AddressRefused(BadRequest):
    """The URL leads to what is no public address. Which one is not said: that would tell of our network."""

    def __init__(self) -> None:
        super().__init__("webhook_address_refused", "The URL leads to an address that is not a public one.")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a delivery goes: ``host`` is a name in lower case without its final dot, or an address."""

    host: str
    address: Address | None
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The ``Host`` header (RFC 9110 section 7.2)."""
        host = f"[{self.host}]" if isinstance(self.address, ipaddress.IPv6Address) else self.host
        return host if self.port == HTTPS else f"{host}:{self.port}"


def read_target(url: str) -> Target:
    """Where the URL leads. Raises UrlRefused, and AddressRefused for names that only lead inside."""
    if not 0 < len(url) <= MOST_CHARACTERS:
        raise UrlRefused(f"A webhook's URL has at most {MOST_CHARACTERS} characters.")
    if not _CHARACTERS.fullmatch(url) or _PERCENT.search(url):
        raise UrlRefused(
            "The URL has characters that no URL has; write international names as xn--, without a fragment."
        )
    scheme, separator, rest = url.partition("://")
    if scheme.lower() != "https" or not separator:
        raise UrlRefused("A webhook's URL begins with https://.")
    authority = re.split(r"[/?]", rest, maxsplit=1)[0]
    if "@" in authority:
        raise UrlRefused("A webhook's URL holds no user and no password: deliveries are signed.")
    found = _AUTHORITY.fullmatch(authority)
    port = int(found["port"] or HTTPS) if found else 0
    if found is None or not 0 < port <= _MOST_PORT:
        raise UrlRefused("The URL's host or port is not one.")
    host, address = _read_ipv6(found["ipv6"]) if found["ipv6"] is not None else _read_name(found["name"])
    path = rest[len(authority) :]
    return Target(host, address, port, path if path.startswith("/") else f"/{path}")


def _read_ipv6(text: str) -> tuple[str, Address]:
    try:
        # With a zone it would name an interface of ours.
        address = ipaddress.IPv6Address(text if "%" not in text else "")
    except ValueError:
        raise UrlRefused("The URL's host is not an address.") from None
    return str(address), address


def _read_name(text: str) -> tuple[str, Address | None]:
    name = text.lower().removesuffix(".")
    labels = name.split(".")
    if len(name) > _MOST_NAME or not all(_LABEL.fullmatch(label) for label in labels):
        raise UrlRefused("The URL's host is not a name.")
    # A last part that is a number makes the whole an IPv4 address to some readers, in octal, hex or one piece.
    if _NUMBER.fullmatch(labels[-1]):
        return _read_ipv4(name)
    if len(labels) == 1 or any(name == inside or name.endswith(f".{inside}") for inside in _INSIDE):
        raise AddressRefused
    return name, None


def _read_ipv4(text: str) -> tuple[str, Address]:
    try:
        address = ipaddress.IPv4Address(text)
    except ValueError:
        raise AddressRefused from None
    return str(address), address
