"""The second factor as it is asked for: at a login, and again before what guards the account is changed."""

from datetime import datetime, timedelta
from enum import Enum, auto

from shared.jobs import enqueue
from shared.postgres import Connection, Database
from shared.problems import TooManyRequests, Unauthorized
from users.domain.account import User
from users.domain.audit import AuditAction
from users.domain.credentials import digest
from users.domain.second_factor import SecondFactor, is_recovery_code, matching_step, typed
from users.domain.sessions import Client
from users.jobs.notice_mail import NOTICE_MAIL, Notice, NoticeMail
from users.resources import UsersResources
from users.second_factor_keys import SecondFactors
from users.store import audit
from users.store import second_factors as store

_SECOND = timedelta(seconds=1)


class SecondFactorRequired(Unauthorized):
    """The password is right, and the account has a second factor."""

    def __init__(self) -> None:
        super().__init__("second_factor_required", "Send the code of the second factor as well.")


class CodeRefused(Unauthorized):
    """A code that is wrong, or was taken before."""

    def __init__(self) -> None:
        super().__init__("invalid_code", "The code is wrong, or it was used already.")


class CodesLocked(Unauthorized):
    """So many codes were wrong in a row that none is looked at any more."""

    def __init__(self) -> None:
        super().__init__("second_factor_locked", "Too many codes were wrong. Use a recovery code, or ask an admin.")


class _Verdict(Enum):
    CODE = auto()
    RECOVERY_CODE = auto()
    WRONG = auto()
    LOCKED = auto()
    WAIT = auto()


_ON_RECORD = {
    _Verdict.RECOVERY_CODE: AuditAction.RECOVERY_CODE_USED,
    _Verdict.WRONG: AuditAction.SECOND_FACTOR_FAILED,
}
"""What is refused unseen is not on record each time: a flood of it would fill the record."""


async def second_factor_of(connection: Connection, user_id: int) -> SecondFactor | None:
    """The user's factor if it is on."""
    factor = await store.find(connection, user_id)
    return factor if factor is not None and factor.confirmed_at is not None else None


async def check_second_factor(
    database: Database, own: UsersResources, user: User, code: str | None, client: Client
) -> None:
    """Spend a code of the user's second factor, time-based or of recovery; nothing when there is no factor.

    The factor's row is locked meanwhile: of two that bring one code at once, one is refused. Wrong codes count over
    all addresses, in Postgres. Raises SecondFactorRequired without a code, CodeRefused, CodesLocked, TooManyRequests.
    """
    at = own.second_factors.clock()
    async with database.transaction() as connection:
        factor = await store.lock(connection, user.id)
        if factor is None or factor.confirmed_at is None:
            return
        if code is None:
            raise SecondFactorRequired
        verdict = await _judge(connection, own.second_factors, factor, typed(code), at)
        await _put_on_record(connection, verdict, user, client)
    # Refused only here, after the commit: an exception inside would undo the count.
    match verdict:
        case _Verdict.WRONG:
            raise CodeRefused
        case _Verdict.LOCKED:
            raise CodesLocked
        case _Verdict.WAIT:
            wait = factor.wait(at)
            seconds = -(-wait // _SECOND) if wait else 1
            raise TooManyRequests("too_many_failures", "Too many wrong codes. Try again later.", retry_after=seconds)
        case _Verdict.CODE | _Verdict.RECOVERY_CODE:
            pass


async def _judge(
    connection: Connection, factors: SecondFactors, factor: SecondFactor, code: str, at: datetime
) -> _Verdict:
    # Nobody guesses 80 random bits: a recovery code is looked at however many codes were wrong.
    if is_recovery_code(code) and await store.use_recovery_code(connection, factor.user_id, digest(code), at):
        return _Verdict.RECOVERY_CODE
    if factor.locked:
        return _Verdict.LOCKED
    if factor.wait(at) is not None:
        return _Verdict.WAIT
    step = matching_step(factors.box.open(factor.secret), code, at, factor.last_step)
    if step is None:
        await store.record_failure(connection, factor.failed(at))
        return _Verdict.WRONG
    await store.take_step(connection, factor.user_id, step)
    return _Verdict.CODE


async def _put_on_record(connection: Connection, verdict: _Verdict, user: User, client: Client) -> None:
    action = _ON_RECORD.get(verdict)
    if action is not None:
        await audit.insert(connection, action, actor_id=user.id, subject_id=user.id, client=client)
    if verdict is _Verdict.RECOVERY_CODE:
        await enqueue(connection, NOTICE_MAIL, NoticeMail(user_id=user.id, notice=Notice.RECOVERY_CODE_USED))
