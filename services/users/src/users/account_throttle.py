"""Failed logins of one account over all addresses, and of one address over all accounts (TRAPS.md, Auth 4).

``login_throttle`` counts by account and address, so that no stranger locks an owner out; many addresses get around it.
Here failures in a row are counted by account, over all places that its owner never logged in from: beyond some free
ones each costs twice the wait of the one before, and beyond a hundred such places are refused (NIST SP 800-63B section
5.2.2). A place that the owner did log in from, a browser or a network, has a row of its own, so that what strangers
do is nothing to it. Counted alike for accounts that are not there.
"""

import asyncio
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from prometheus_client import Counter
from redis.asyncio import Redis

from shared.redis_client import UNAVAILABLE, clustered
from users.login_throttle import TAKE as TAKE_ADDRESS
from users.settings import LoginSettings

log = structlog.stdlib.get_logger(__name__)

REFUSED = Counter("users_account_throttled_total", "Logins refused, by whose failures were too many.", ["whose"])
OPEN = Counter("users_account_throttle_open_total", "Logins let through uncounted because Redis was away.")

MOST_IN_A_ROW = 100

_LONGEST_DELAY_MS = 3_600_000
_QUIET_MS = 86_400_000
"""After so long without a failure a short row is forgotten."""
_LONG_ROW_MS = 30 * 86_400_000
"""The same for one beyond the free failures."""

# KEYS: the row of failures, the address. Answers {milliseconds to wait, whose failures are too many}.
_TAKE = """
local now, free, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local function refuse(wait, whose)
  return {math.max(wait, 1), whose}
end
if ARGV[7] == '1' and tonumber(redis.call('GET', KEYS[2]) or '0') >= tonumber(ARGV[9]) then
  return refuse(redis.call('PTTL', KEYS[2]), 'address')
end
local row = tonumber(redis.call('HGET', KEYS[1], 'count') or '0')
if row >= most then
  return refuse(redis.call('PTTL', KEYS[1]), 'account')
end
local next = tonumber(redis.call('HGET', KEYS[1], 'next') or '0')
if next > now then
  return refuse(next - now, 'account')
end
row = redis.call('HINCRBY', KEYS[1], 'count', 1)
if row > free then
  local delay = math.min(tonumber(ARGV[4]), 1000 * 2 ^ math.min(row - free - 1, 30))
  redis.call('HSET', KEYS[1], 'next', string.format('%.0f', now + delay))
  redis.call('PEXPIRE', KEYS[1], ARGV[6])
else
  redis.call('PEXPIRE', KEYS[1], ARGV[5])
end
if ARGV[7] == '1' and redis.call('INCR', KEYS[2]) == 1 then
  redis.call('PEXPIRE', KEYS[2], ARGV[8])
end
return {0, ''}
"""
_FORGIVE_ADDRESS = """
if tonumber(redis.call('GET', KEYS[1]) or '0') > 0 then
  redis.call('DECR', KEYS[1])
end
"""
_FORGIVE = """
redis.call('DEL', KEYS[1])
if ARGV[1] == '1' and tonumber(redis.call('GET', KEYS[2]) or '0') > 0 then
  redis.call('DECR', KEYS[2])
end
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a login comes from: ``network``, and the key of a place that the owner logged in from before.

    ``by_device`` is of a browser that showed so itself: what others do at its address is nothing to it.
    """

    network: str
    known: str | None = None
    by_device: bool = False


class AccountThrottle:
    """Counts in Redis; while it is away logins go through, as in ``login_throttle``."""

    def __init__(
        self,
        redis: Redis,
        settings: LoginSettings,
        *,
        patience_seconds: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._redis = redis
        self._patience_seconds = patience_seconds
        self._take = redis.register_script(_TAKE)
        self._forgive = redis.register_script(_FORGIVE)
        self._parted = clustered(redis) is not None
        self._take_address = redis.register_script(TAKE_ADDRESS)
        self._forgive_address = redis.register_script(_FORGIVE_ADDRESS)
        self._free = max(1, round(settings.account_failures * settings.scale))
        self._most = max(self._free + 1, round(MOST_IN_A_ROW * settings.scale))
        self._address_limit = max(1, round(settings.address_failures * settings.scale))
        self._window_ms = settings.window_seconds * 1000
        self.clock = clock

    async def take(self, account: str, place: Place) -> int:
        """Count a try before its password is checked, so that many at once are no way around.

        Returns 0 when it may go on, else the whole seconds to wait.
        """
        keys = [_row(account, place), _address(place)]
        arguments = [
            int(self.clock() * 1000),
            self._free,
            self._most,
            _LONGEST_DELAY_MS,
            _QUIET_MS,
            _LONG_ROW_MS,
            int(not place.by_device),
            self._window_ms,
            self._address_limit,
        ]
        try:
            async with asyncio.timeout(self._patience_seconds):
                wait, whose = await (self._take_parted if self._parted else self._take)(keys, arguments)
        except UNAVAILABLE as error:
            OPEN.inc()
            log.warning("account_throttle_open", error=type(error).__name__)
            return 0
        if wait:
            REFUSED.labels(whose.decode() if isinstance(whose, bytes) else whose).inc()
        return -(-int(wait) // 1000)

    async def _take_parted(self, keys: list[str], arguments: list[int]) -> tuple[int, bytes]:
        """In a cluster the two lie apart: the address first, which gets it back when the row refuses."""
        *of_row, by_address, window, limit = arguments
        if by_address and (wait := await self._take_address(keys[1:], [limit, window])):
            return int(wait), b"address"
        wait, whose = await self._take(keys[:1], [*of_row, 0, window, limit])
        if wait and by_address:
            await self._forgive_address(keys[1:])
        return int(wait), whose

    async def forgive(self, account: str, place: Place) -> None:
        """The password was right: the row of this place begins anew, and the address did not fail."""
        try:
            async with asyncio.timeout(self._patience_seconds):
                keys = [_row(account, place), _address(place)]
                if self._parted:
                    await self._forgive(keys[:1], [0])
                    if not place.by_device:
                        await self._forgive_address(keys[1:])
                else:
                    await self._forgive(keys, [int(not place.by_device)])
        except UNAVAILABLE as error:
            log.warning("account_throttle_open", error=type(error).__name__)

    async def tell(self, account: str) -> bool:
        """Whether a refusal is the first in a while, and worth a line on record."""
        try:
            async with asyncio.timeout(self._patience_seconds):
                return bool(await self._redis.set(_key("told", account), 1, nx=True, px=self._window_ms))
        except UNAVAILABLE:
            return False

    async def forgive_strangers(self, account: str) -> None:
        """The owner proved to be it by other means, such as a reset by mail: any place may try again."""
        await self.forgive(account, Place("", by_device=True))


def _row(account: str, place: Place) -> str:
    return _key("row", account if place.known is None else f"{account}\n{place.known}")


def _address(place: Place) -> str:
    return _key("address", place.network)


def _key(kind: str, text: str) -> str:
    # Hashed: neither a mail address nor one of the net stands in Redis.
    return f"users:guesses:{kind}:{hashlib.sha256(text.encode()).hexdigest()}"
