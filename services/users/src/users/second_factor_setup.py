"""The second factor set up, confirmed, turned off; recovery codes made. Who asks was authenticated again before."""

from dataclasses import dataclass

from shared.jobs import enqueue
from shared.postgres import Connection
from shared.problems import FieldError, UnprocessableContent
from users.domain.account import User, UserNotFound
from users.domain.audit import AuditAction
from users.domain.credentials import digest
from users.domain.second_factor import (
    RECOVERY_CODES,
    SETTING_UP,
    NoSecondFactor,
    SecondFactorIsOn,
    matching_step,
    new_recovery_code,
    new_secret,
    otpauth_uri,
    typed,
)
from users.domain.sessions import Client
from users.jobs.notice_mail import NOTICE_MAIL, Notice, NoticeMail
from users.second_factor_keys import SecondFactors
from users.store import audit, users
from users.store import second_factors as store


@dataclass(frozen=True, slots=True)
class NewFactor:
    """A secret as it is shown, once, and the same as a URI for a QR code."""

    secret: str
    uri: str


async def begin(connection: Connection, factors: SecondFactors, user: User) -> NewFactor:
    """Make a secret that waits for its first code. Raises SecondFactorIsOn."""
    secret = new_secret()
    if not await store.begin(connection, user.id, factors.box.close(secret), factors.clock()):
        raise SecondFactorIsOn
    return NewFactor(secret, otpauth_uri(secret, user.email))


async def confirm(connection: Connection, factors: SecondFactors, user: User, code: str, client: Client) -> list[str]:
    """Turn the factor on by a code of it; the recovery codes.

    Raises NoSecondFactor when none was begun in the last 15 minutes, SecondFactorIsOn, and UnprocessableContent for
    a wrong code.
    """
    at = factors.clock()
    factor = await store.lock(connection, user.id)
    if factor is not None and factor.confirmed_at is not None:
        raise SecondFactorIsOn
    if factor is None or at >= factor.begun_at + SETTING_UP:
        raise NoSecondFactor
    step = matching_step(factors.box.open(factor.secret), typed(code), at, factor.last_step)
    if step is None:
        wrong = FieldError(field="code", message="The code is not the one that belongs to the secret now.")
        raise UnprocessableContent("validation_error", "The input breaks a rule.", errors=[wrong])
    await store.confirm(connection, user.id, at, step)
    await audit.insert(connection, AuditAction.SECOND_FACTOR_ON, actor_id=user.id, subject_id=user.id, client=client)
    await _tell(connection, user.id, Notice.SECOND_FACTOR_ON)
    return await _make_recovery_codes(connection, user.id)


async def renew_recovery_codes(connection: Connection, user: User, client: Client) -> list[str]:
    """Make recovery codes in the place of the old ones. Raises NoSecondFactor."""
    factor = await store.lock(connection, user.id)
    if factor is None or factor.confirmed_at is None:
        raise NoSecondFactor
    await audit.insert(
        connection, AuditAction.RECOVERY_CODES_RENEWED, actor_id=user.id, subject_id=user.id, client=client
    )
    await _tell(connection, user.id, Notice.RECOVERY_CODES_RENEWED)
    return await _make_recovery_codes(connection, user.id)


async def turn_off(connection: Connection, user: User, client: Client) -> None:
    """Remove the user's own factor, one that waits for its first code too. Raises NoSecondFactor."""
    factor = await store.lock(connection, user.id)
    if factor is None:
        raise NoSecondFactor
    if await store.delete(connection, user.id):
        await audit.insert(
            connection, AuditAction.SECOND_FACTOR_OFF, actor_id=user.id, subject_id=user.id, client=client
        )
        await _tell(connection, user.id, Notice.SECOND_FACTOR_OFF)


async def reset(connection: Connection, user_id: int, *, by: int, client: Client) -> None:
    """Remove the factor of somebody who lost it, as an admin. Raises UserNotFound, NoSecondFactor."""
    user = await users.lock(connection, user_id)
    if user is None:
        raise UserNotFound
    if not await store.delete(connection, user_id):
        raise NoSecondFactor
    await audit.insert(connection, AuditAction.SECOND_FACTOR_RESET, actor_id=by, subject_id=user_id, client=client)
    await _tell(connection, user_id, Notice.SECOND_FACTOR_OFF)


async def _tell(connection: Connection, user_id: int, notice: Notice) -> None:
    await enqueue(connection, NOTICE_MAIL, NoticeMail(user_id=user_id, notice=notice))


async def _make_recovery_codes(connection: Connection, user_id: int) -> list[str]:
    codes = [new_recovery_code() for _ in range(RECOVERY_CODES)]
    await store.replace_recovery_codes(connection, user_id, [digest(typed(code)) for code in codes])
    return codes
