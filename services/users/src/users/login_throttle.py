"""Failed logins by account and address: guessing is slow, and a stranger locks nobody out (TRAPS.md, Auth 4).

A try is counted before the password is checked and taken back when it was right, so that many at once
are no way around. The window begins with the first failure; a try over the limit is not counted.
"""

import asyncio
import hashlib
import ipaddress

import structlog
from prometheus_client import Counter
from redis.asyncio import Redis

from shared.redis_client import UNAVAILABLE
from users.settings import LoginSettings

log = structlog.stdlib.get_logger(__name__)

OPEN = Counter("users_login_throttle_open_total", "Logins let through uncounted because Redis was away.")
REFUSED = Counter("users_login_throttled_total", "Logins refused after too many failures.")

# KEYS: what is counted; ARGV: how many at most, the window in ms. Answers 0, or the ms to wait.
TAKE = """
local count = tonumber(redis.call('GET', KEYS[1]) or '0')
if count >= tonumber(ARGV[1]) then
  return math.max(redis.call('PTTL', KEYS[1]), 1)
end
if redis.call('INCR', KEYS[1]) == 1 then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 0
"""


class LoginThrottle:
    """Counts in Redis. While Redis is away logins go through: closed, its loss would lock everybody out.

    It is away when it takes longer than ``patience_seconds``, of which a flood that slows this process needs some.
    """

    def __init__(self, redis: Redis, settings: LoginSettings, *, patience_seconds: float) -> None:
        self._redis = redis
        self._patience_seconds = patience_seconds
        self._take = redis.register_script(TAKE)
        self._limit = max(1, round(settings.failures * settings.scale))
        self._window_ms = settings.window_seconds * 1000

    async def take(self, account: str, address: str) -> int:
        """Count a try. Returns 0 when it may go on, else the whole seconds to wait."""
        try:
            async with asyncio.timeout(self._patience_seconds):
                wait = int(await self._take([_key(account, address)], [self._limit, self._window_ms]))
        except UNAVAILABLE as error:
            OPEN.inc()
            log.warning("login_throttle_open", error=type(error).__name__)
            return 0
        if wait:
            REFUSED.inc()
        return -(-wait // 1000)

    async def wait(self, account: str, address: str) -> int:
        """The whole seconds to wait after too many failures, 0 when one may try; counts nothing itself."""
        key = _key(account, address)
        try:
            async with asyncio.timeout(self._patience_seconds), self._redis.pipeline(transaction=False) as pipe:
                pipe.get(key)
                pipe.pttl(key)
                count, left = await pipe.execute()
        except UNAVAILABLE as error:
            OPEN.inc()
            log.warning("login_throttle_open", error=type(error).__name__)
            return 0
        if int(count or 0) < self._limit:
            return 0
        REFUSED.inc()
        return max(1, -(-int(left) // 1000))

    async def forget(self, account: str, address: str) -> None:
        """The password was right: earlier failures count no more."""
        try:
            async with asyncio.timeout(self._patience_seconds):
                await self._redis.delete(_key(account, address))
        except UNAVAILABLE as error:
            log.warning("login_throttle_open", error=type(error).__name__)


def _key(account: str, address: str) -> str:
    # Hashed: no mail address stands in Redis. One host has a whole /64 of IPv6 to try from.
    found = hashlib.sha256(f"{account}\n{network_of(address)}".encode()).hexdigest()
    return f"users:login:{found}"


def network_of(address: str) -> str:
    """The address, of IPv6 its /64; what is no address stays as it is."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
