"""Password hashes: argon2id made, bcrypt still verified (TRAPS.md, Auth 5).

argon2 and bcrypt release the GIL, so threads hash beside the event loop. Their number is bounded, and
so is the queue before them: a flood of logins ends in 503s, not in a service that answers nobody.
"""

import secrets
import threading
import unicodedata
from asyncio import wrap_future
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import bcrypt
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from shared.problems import Unavailable
from users.settings import PasswordSettings

Result = TypeVar("Result")

_BCRYPT_PREFIXES = ("$2a$", "$2b$", "$2y$")
_BCRYPT_BYTES = 72


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the password is right, and whether its hash should be made again by today's scheme."""

    matches: bool
    outdated: bool


class Passwords:
    """Hashes and verifies passwords off the event loop."""

    def __init__(self, settings: PasswordSettings) -> None:
        # OWASP's password storage cheat sheet: m=19456 KiB, t=2, p=1.
        self._argon2 = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
        self._executor = ThreadPoolExecutor(settings.threads, thread_name_prefix="passwords")
        self._places = threading.BoundedSemaphore(settings.threads + settings.queue)
        self._nobody = self._argon2.hash(secrets.token_urlsafe())

    def close(self) -> None:
        """Drop what waits and let what runs end."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    async def hash(self, password: str) -> str:
        """The argon2id hash of a password. Raises Unavailable when too many wait."""
        return await self._run(lambda: self._argon2.hash(_normal(password)))

    async def verify(self, stored: str | None, password: str) -> Verdict:
        """Check a password; None stands for an account that is not there and takes as long.

        Raises Unavailable when too many wait.
        """
        found = await self._run(lambda: self._verify(stored or self._nobody, password))
        return found if stored is not None else Verdict(matches=False, outdated=False)

    async def _run(self, work: Callable[[], Result]) -> Result:
        if not self._places.acquire(blocking=False):
            raise Unavailable("busy", "Too many are signing in right now. Try again.", retry_after=1)
        try:
            future = self._executor.submit(work)
        except RuntimeError:
            self._places.release()
            raise
        future.add_done_callback(self._leave)
        return await wrap_future(future)

    def _leave(self, _future: "Future[Result]") -> None:
        self._places.release()

    def _verify(self, stored: str, password: str) -> Verdict:
        if stored.startswith(_BCRYPT_PREFIXES):
            # bcrypt reads 72 bytes; the library refuses more, and those who made the hash cut in silence.
            matches = bcrypt.checkpw(password.encode()[:_BCRYPT_BYTES], stored.encode())
            return Verdict(matches=matches, outdated=True)
        try:
            self._argon2.verify(stored, _normal(password))
        except (Argon2Error, InvalidHashError):
            return Verdict(matches=False, outdated=False)
        return Verdict(matches=True, outdated=self._argon2.check_needs_rehash(stored))


def _normal(password: str) -> bytes:
    # The same letters typed on another keyboard may come composed otherwise (NIST SP 800-63B section 5.1.1.2).
    return unicodedata.normalize("NFKC", password).encode()
