"""The second factor: time-based codes (RFC 6238), recovery codes, and how often one may be wrong."""

import base64
import hmac
import re
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pyotp

from shared.problems import Conflict, NotFound

RECOVERY_CODES = 10
SETTING_UP = timedelta(minutes=15)
"""How long a secret that was shown waits for its first code."""

MOST_IN_A_ROW = 100
"""Wrong codes in a row, after which none is looked at (NIST SP 800-63B section 5.2.2)."""
MOST_IN_WINDOW = 10
WINDOW = timedelta(minutes=15)

_STEP_SECONDS = 30
_DRIFT = (-1, 0, 1)
_RECOVERY_BYTES = 10
_TIMED = re.compile(r"[0-9]{6}", re.ASCII)
_RECOVERY = re.compile(r"[a-z2-7]{16}", re.ASCII)


class SecondFactorIsOn(Conflict):
    """A factor must be turned off before another is set up."""

    def __init__(self) -> None:
        super().__init__("second_factor_on", "The second factor is on. Turn it off first.")


class NoSecondFactor(NotFound):
    """There is none, or its setting up was not begun or took too long."""

    def __init__(self) -> None:
        super().__init__("second_factor_not_found", "There is no second factor here.")


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """A factor as it is kept; ``secret`` is encrypted."""

    user_id: int
    secret: str
    begun_at: datetime
    confirmed_at: datetime | None
    last_step: int
    failures: int
    window_began_at: datetime | None
    window_failures: int

    def wait(self, at: datetime) -> timedelta | None:
        """How long no code is looked at after too many wrong ones; None when one may be tried."""
        if self.window_began_at is None or self.window_failures < MOST_IN_WINDOW:
            return None
        left = self.window_began_at + WINDOW - at
        return left if left > timedelta() else None

    @property
    def locked(self) -> bool:
        """Whether so many codes were wrong in a row that only a recovery code, or an admin, helps."""
        return self.failures >= MOST_IN_A_ROW

    def failed(self, at: datetime) -> "SecondFactor":
        """The factor after another wrong code; the window begins with its first."""
        over = self.window_began_at is None or at >= self.window_began_at + WINDOW
        return replace(
            self,
            failures=self.failures + 1,
            window_began_at=at if over else self.window_began_at,
            window_failures=1 if over else self.window_failures + 1,
        )


def new_secret() -> str:
    """160 random bits in base32 (RFC 4226 section 4, requirement 6)."""
    return pyotp.random_base32(32)


def otpauth_uri(secret: str, email: str) -> str:
    """What the QR code of an authenticator app holds."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name="Gatehouse")


def matching_step(secret: str, code: str, at: datetime, after: int) -> int | None:
    """The time step later than ``after`` whose code this is, one step of drift allowed (RFC 6238 section 5.2).

    None for a wrong code and for one of a step that was used. Every step is compared, in constant time.
    """
    if not _TIMED.fullmatch(code):
        return None
    totp = pyotp.TOTP(secret)
    now = int(at.timestamp()) // _STEP_SECONDS
    matching = [now + drift for drift in _DRIFT if hmac.compare_digest(totp.generate_otp(now + drift), code)]
    return next((step for step in matching if step > after), None)


def new_recovery_code() -> str:
    """80 random bits in four groups of four letters and digits."""
    text = base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode().lower()
    return "-".join(text[start : start + 4] for start in range(0, 16, 4))


def typed(code: str) -> str:
    """A code without the spaces and hyphens that people type, in small letters."""
    return code.replace(" ", "").replace("-", "").lower()


def is_recovery_code(code: str) -> bool:
    """Whether a code as ``typed`` gives it has the form of a recovery code."""
    return _RECOVERY.fullmatch(code) is not None
