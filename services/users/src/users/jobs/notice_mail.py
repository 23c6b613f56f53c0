"""users.notice_mail: tells the owner of an account what was done to it, so that a thief is noticed."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel

from shared.jobs import JobContext, JobType
from shared.mail import write_message
from users.jobs.mailing import hand_in, mail_job
from users.store import addresses, users

NOTICE_MAIL = "users.notice_mail"


class Notice(StrEnum):
    """What was done."""

    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - no password
    PASSWORD_RESET = "password_reset"  # noqa: S105 - the same
    EMAIL_CHANGE_ASKED = "email_change_asked"
    EMAIL_CHANGED = "email_changed"
    NEW_DEVICE = "new_device"
    SECOND_FACTOR_ON = "second_factor_on"
    SECOND_FACTOR_OFF = "second_factor_off"
    RECOVERY_CODES_RENEWED = "recovery_codes_renewed"
    RECOVERY_CODE_USED = "recovery_code_used"
    API_KEY_MADE = "api_key_made"


_TEXTS = {
    Notice.NEW_DEVICE: (
        "A login from somewhere new",
        "somebody logged in to your Gatehouse account from a place that was new to it; your security events say which.",
    ),
    Notice.SECOND_FACTOR_ON: (
        "Your second factor is on",
        "a second factor was turned on for your Gatehouse account: a login needs a code of an app beside the password.",
    ),
    Notice.RECOVERY_CODES_RENEWED: (
        "You have new recovery codes",
        "new recovery codes were made for your Gatehouse account; the old ones are good for nothing any more.",
    ),
    Notice.API_KEY_MADE: (
        "An API key was made",
        "an API key was made for your Gatehouse account. It goes on when all logins end: delete one you do not know.",
    ),
    Notice.SECOND_FACTOR_OFF: (
        "Your second factor is off",
        "the second factor of your Gatehouse account was turned off: the password alone is enough to log in.",
    ),
    Notice.RECOVERY_CODE_USED: (
        "A recovery code was used",
        "one of the recovery codes of your Gatehouse account was used in the place of a code of your app.",
    ),
    Notice.PASSWORD_CHANGED: (
        "Your password was changed",
        "the password of your Gatehouse account was changed, and all other logins were ended.",
    ),
    Notice.PASSWORD_RESET: (
        "Your password was reset",
        "the password of your Gatehouse account was reset by a link that was mailed to you, and all logins were ended.",
    ),
    Notice.EMAIL_CHANGE_ASKED: (
        "Your e-mail address is to be changed",
        "your Gatehouse account is to have another address. It will, once that is confirmed with your password.",
    ),
    Notice.EMAIL_CHANGED: (
        "Your e-mail address was changed",
        "your Gatehouse account has another e-mail address now. This is the last mail to the old one.",
    ),
}
_TEXT = """\
Hello {name},

{what}

If it was not you, reset your password at once and answer this mail: somebody else has been at your account.
"""


class NoticeMail(BaseModel):
    """Whom to tell what; name and address are read when the mail is written."""

    user_id: int
    notice: Notice


async def handle(_public_url: str, context: JobContext, payload: NoticeMail) -> None:
    """Send the mail, unless the account is gone; what is done to an address, its old one is told."""
    async with context.database.acquire() as connection:
        user = await users.find(connection, payload.user_id)
        at: datetime = await connection.fetchval("SELECT now()")
        previous = await addresses.previous(connection, payload.user_id)
    email = previous if payload.notice is Notice.EMAIL_CHANGED else user.email if user else None
    if user is None or email is None:
        return
    subject, what = _TEXTS[payload.notice]
    message = write_message(
        sender=context.resources.sender,
        name=user.name,
        email=email,
        subject=subject,
        text=_TEXT.format(name=user.name, what=what),
        at=at,
        job_id=context.job_id,
    )
    await hand_in(context, message)
    if payload.notice is Notice.EMAIL_CHANGED:
        async with context.database.acquire() as connection:
            await addresses.forget_previous(connection, user.id, email)


def job(public_url: str) -> JobType[NoticeMail]:
    """The job type; ``public_url`` is where people reach the gateway."""
    return mail_job(NOTICE_MAIL, handle, NoticeMail, public_url)
