"""What a signing key is good for. Its times alone decide, so that all who read them agree without another word."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from users.domain.sessions import ACCESS_TOKEN_LIFETIME

LATE = timedelta(minutes=3)
"""How long a process that hears nothing may sign on with a key whose time is over."""

_CLOCKS_DIFFER = timedelta(minutes=1)

VERIFIES_FOR = ACCESS_TOKEN_LIFETIME + LATE + _CLOCKS_DIFFER
"""How long a key stands in the published set after its last token."""


class Algorithm(StrEnum):
    """Of RFC 8037 and RFC 7518 section 3.4; no other is made or taken."""

    EDDSA = "EdDSA"
    ES256 = "ES256"


class KeyState(StrEnum):
    """The first three stand in the published set; only the second signs."""

    NEXT = "next"
    ACTIVE = "active"
    RETIRED = "retired"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key of the ring; ``sealed_private`` is its encrypted private half while it may sign."""

    key_id: str
    algorithm: Algorithm
    public_jwk: dict[str, str]
    sealed_private: str | None
    created_at: datetime
    signs_from: datetime
    signs_until: datetime | None = None
    withdrawn_at: datetime | None = None

    @property
    def verifies_until(self) -> datetime | None:
        """When the last of its tokens has expired; None while it may sign more, the past for a withdrawn key."""
        if self.withdrawn_at is not None:
            return self.withdrawn_at
        return None if self.signs_until is None else self.signs_until + VERIFIES_FOR

    def state_at(self, now: datetime) -> KeyState:
        """What it is good for at a time."""
        if self.withdrawn_at is not None:
            return KeyState.GONE
        if now < self.signs_from:
            return KeyState.NEXT
        if self.signs_until is None or now < self.signs_until:
            return KeyState.ACTIVE
        return KeyState.RETIRED if now < self.signs_until + VERIFIES_FOR else KeyState.GONE


def in_state(keys: Sequence[KeyRecord], state: KeyState, now: datetime) -> KeyRecord | None:
    """The key in this state, of which there is one at most but for the retired and the gone."""
    return next((key for key in keys if key.state_at(now) is state), None)


def next_change(keys: Sequence[KeyRecord], now: datetime, period: timedelta) -> datetime | None:
    """When another key signs: what is planned, else what is due; None for a ring without an active key."""
    following = in_state(keys, KeyState.NEXT, now)
    if following is not None:
        return following.signs_from
    active = in_state(keys, KeyState.ACTIVE, now)
    return None if active is None else active.signs_from + period


def rotation_due(
    keys: Sequence[KeyRecord], now: datetime, *, period: timedelta, ahead: timedelta, algorithm: Algorithm
) -> bool:
    """Whether the next key is to be made now, so that it signs when the active one's ``period`` is over.

    An active key of another algorithm than is wanted is followed as soon as may be.
    """
    active = in_state(keys, KeyState.ACTIVE, now)
    if active is None or in_state(keys, KeyState.NEXT, now) is not None:
        return False
    return active.algorithm is not algorithm or now >= active.signs_from + period - ahead
