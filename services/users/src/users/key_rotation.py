"""Changes of the ring of signing keys: the first key, a rotation, a withdrawal, what a tick of the clock does.

Each is one transaction under one lock: killed anywhere, it has happened or it has not. All of them raise
UnusableKeyError, before anything is changed, when the keys that are kept do not open: made by another
``SIGNING_KEYS_KEY``, a new key would be read by nobody.
"""

from dataclasses import dataclass
from datetime import datetime

import structlog

from shared.postgres import Connection
from users.domain.audit import AuditAction
from users.domain.signing_keys import KeyRecord, KeyState, in_state, rotation_due
from users.key_box import KeyBox
from users.signing_key import SigningKey
from users.signing_settings import SigningSettings
from users.store import audit
from users.store import signing_keys as store

log = structlog.stdlib.get_logger(__name__)

_SYSTEM = 0
"""Who did it, and to whom, where no user is either."""


class KeyChangeRefusedError(Exception):
    """The ring is not in the state for it; the message says which it is in."""


@dataclass(frozen=True, slots=True)
class Ring:
    """What changes are made of: settings and what opens and closes private keys."""

    settings: SigningSettings
    box: KeyBox

    @classmethod
    def of(cls, settings: SigningSettings) -> "Ring":
        """By the settings."""
        return cls(settings, KeyBox(settings.keys))


async def make_first(connection: Connection, ring: Ring, given: SigningKey | None, now: datetime) -> None:
    """Make the key of a ring that has none to sign with: the one that is given, unless it was in the ring before."""
    await store.lock(connection)
    keys = await store.live(connection, now)
    if in_state(keys, KeyState.ACTIVE, now) or in_state(keys, KeyState.NEXT, now):
        return
    if given is None or await store.find(connection, given.key_id) is not None:
        given = SigningKey.generate(ring.settings.algorithm)
    await _insert(connection, ring, given, now, signs_from=now)
    log.info("signing_key_made", key_id=given.key_id, algorithm=given.algorithm.value)


async def rotate(connection: Connection, ring: Ring, now: datetime, *, at_once: bool = False) -> KeyRecord:
    """Let another key follow: published now, signing once every cache has it, or ``at_once``.

    The active key verifies until its last token has expired. Raises KeyChangeRefusedError when another is on its way
    already and need not come at once.
    """
    keys, active = await _locked(connection, ring, now)
    following = in_state(keys, KeyState.NEXT, now)
    if following is not None and not at_once:
        when = f"{following.signs_from:%Y-%m-%d %H:%M:%S} UTC"
        raise KeyChangeRefusedError(f"key {following.key_id} is on its way already: it signs from {when}")
    moment = now if at_once else now + ring.settings.ahead
    await store.sign_until(connection, active.key_id, moment)
    key = await _follow(connection, ring, following, now, moment)
    await _record(connection, AuditAction.KEY_ROTATED)
    log.info("signing_key_rotated", key_id=key.key_id, signs_from=moment.isoformat(), before=active.key_id)
    return key


async def withdraw(connection: Connection, ring: Ring, key_id: str, now: datetime) -> KeyRecord | None:
    """Take a key out of the ring with all its tokens; the key that follows at once when it was the active one.

    Raises KeyChangeRefusedError for a key that is not there, or gone.
    """
    keys, active = await _locked(connection, ring, now, may_not_open=key_id)
    key = next((key for key in keys if key.key_id == key_id), None)
    if key is None:
        known = await store.find(connection, key_id)
        raise KeyChangeRefusedError(f"key {key_id} is gone already" if known else f"there is no key {key_id}")
    following = in_state(keys, KeyState.NEXT, now)
    await store.withdraw(connection, key_id, now)
    follows = None
    if key is active:
        follows = await _follow(connection, ring, following, now, now)
    elif key is following:
        await store.sign_until(connection, active.key_id, None)
    await _record(connection, AuditAction.KEY_WITHDRAWN)
    log.warning("signing_key_withdrawn", key_id=key_id, follows=follows.key_id if follows else None)
    return follows


async def tick(connection: Connection, ring: Ring, now: datetime) -> KeyRecord | None:
    """What time brings: the next key when it is due, private halves forgotten or encrypted anew; the key made."""
    await store.lock(connection)
    keys = await store.live(connection, now)
    if in_state(keys, KeyState.ACTIVE, now) is None:
        return None  # the API makes the first
    _check_open(ring, keys, now)
    await store.wipe(connection, now)
    for key in keys:
        if key.sealed_private is not None and (sealed := ring.box.renewed(key.sealed_private)):
            await store.reseal(connection, key.key_id, sealed)
    settings = ring.settings
    if rotation_due(keys, now, period=settings.period, ahead=settings.ahead, algorithm=settings.algorithm):
        return await rotate(connection, ring, now)
    return None


async def _locked(
    connection: Connection, ring: Ring, now: datetime, *, may_not_open: str | None = None
) -> tuple[list[KeyRecord], KeyRecord]:
    await store.lock(connection)
    keys = await store.live(connection, now)
    active = in_state(keys, KeyState.ACTIVE, now)
    if active is None:
        raise KeyChangeRefusedError("there is no key yet: the users API makes the first when it starts")
    _check_open(ring, [key for key in keys if key.key_id != may_not_open], now)
    return keys, active


def _check_open(ring: Ring, keys: list[KeyRecord], now: datetime) -> None:
    for key in keys:
        if key.state_at(now) in {KeyState.NEXT, KeyState.ACTIVE} and key.sealed_private is not None:
            ring.box.open(key.sealed_private, key.key_id)


async def _follow(
    connection: Connection, ring: Ring, following: KeyRecord | None, now: datetime, moment: datetime
) -> KeyRecord:
    """The key that signs from ``moment``: the one that is on its way, else a new one."""
    if following is None:
        return await _insert(connection, ring, SigningKey.generate(ring.settings.algorithm), now, signs_from=moment)
    await store.sign_from(connection, following.key_id, moment)
    return following


async def _insert(
    connection: Connection, ring: Ring, key: SigningKey, now: datetime, *, signs_from: datetime
) -> KeyRecord:
    record = KeyRecord(key.key_id, key.algorithm, key.jwk, ring.box.close(key), now, signs_from)
    await store.insert(connection, record)
    return record


async def _record(connection: Connection, action: AuditAction) -> None:
    await audit.insert(connection, action, actor_id=_SYSTEM, subject_id=_SYSTEM, request_id=None)
