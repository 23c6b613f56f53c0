"""Where an owner has logged in before: browsers, by a signed cookie, and networks, in Postgres.

The cookie (OWASP, "Slow down online guessing attacks with device cookies") lets nobody in: it only counts the failures
of its browser apart from everybody else's.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta

from cryptography.fernet import InvalidToken

from shared.kept_secrets import SignedTokens
from shared.postgres import Connection
from users.account_throttle import Place
from users.domain.sessions import Client
from users.login_throttle import network_of
from users.second_factor_settings import SecondFactorSettings
from users.store import known_devices as store

DEVICE_LIFETIME = timedelta(days=180)

_DEVICE = re.compile(r"([1-9][0-9]{0,18})\.([A-Za-z0-9_-]{22})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Device:
    """A browser that this user logged in from."""

    user_id: int
    nonce: str


class Devices:
    """Makes and reads the tokens of devices, with keys derived from those of second factors."""

    def __init__(self, settings: SecondFactorSettings) -> None:
        self._tokens = SignedTokens(settings.keys, "device cookie")

    def token(self, user_id: int, known: Device | None) -> str:
        """A fresh token: of the device that the browser is to this user, else of a new one."""
        nonce = known.nonce if known is not None and known.user_id == user_id else secrets.token_urlsafe(16)
        return self._tokens.make(f"{user_id}.{nonce}")

    def read(self, token: str) -> Device | None:
        """The device that a token is of; None for what is none, or too old."""
        try:
            found = _DEVICE.fullmatch(self._tokens.read(token, DEVICE_LIFETIME))
        except InvalidToken:
            return None
        return Device(int(found[1]), found[2]) if found else None


async def place_of(connection: Connection, devices: Devices, user_id: int, client: Client) -> Place:
    """Where a login to this account comes from; user 0 stands for an account that is not there."""
    network = network_of(client.address)
    network_known = await store.knows(connection, user_id, _digest(network))
    device = devices.read(client.device) if client.device else None
    if device is not None and device.user_id == user_id:
        return Place(network, f"device {device.nonce}", by_device=True)
    return Place(network, f"network {network}" if network_known else None)


async def remember(connection: Connection, devices: Devices, user_id: int, client: Client) -> bool:
    """Keep the network of a login; whether neither it nor the browser was known, though others are."""
    device = devices.read(client.device) if client.device else None
    known_device = device is not None and device.user_id == user_id
    has_others = await store.knows_any(connection, user_id)
    network_is_new = await store.remember(connection, user_id, _digest(network_of(client.address)))
    return has_others and network_is_new and not known_device


def _digest(network: str) -> bytes:
    return hashlib.sha256(network.encode()).digest()
