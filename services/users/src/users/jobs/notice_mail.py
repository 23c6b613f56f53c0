"""users.notice_mail: tells the owner of an account what was done to it, so that a thief is noticed."""

from datetime import timedelta
from enum import StrEnum

from pydantic import BaseModel

from shared.jobs import JobContext, JobFailed, JobType
from shared.mail import Mailer, MailRefused, write_message
from users.store import users

NOTICE_MAIL = "users.notice_mail"


class Notice(StrEnum):
    """What was done."""

    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - no password


_TEXTS = {
    Notice.PASSWORD_CHANGED: (
        "Your password was changed",
        "the password of your Gatehouse account was changed, and all other logins were ended.",
    ),
}
_TEXT = """\
Hello {name},

{what}

If it was not you, reset your password at once: somebody else knows it, or has been at one of your devices.
"""


class NoticeMail(BaseModel):
    """Whom to tell what; name and address are read when the mail is written."""

    user_id: int
    notice: Notice


async def handle(context: JobContext, payload: NoticeMail) -> None:
    """Send the mail, unless the account is gone; a server that is away is tried later."""
    mailer: Mailer = context.resources
    async with context.database.acquire() as connection:
        user = await users.find(connection, payload.user_id)
        at = await connection.fetchval("SELECT now()")
    if user is None:
        return
    subject, what = _TEXTS[payload.notice]
    message = write_message(
        sender=mailer.sender,
        name=user.name,
        email=user.email,
        subject=subject,
        text=_TEXT.format(name=user.name, what=what),
        at=at,
        job_id=context.job_id,
    )
    try:
        await mailer.send(message)
    except MailRefused as error:
        raise JobFailed(f"The notice was refused: {error}.") from None


JOB = JobType(
    NOTICE_MAIL,
    handle,
    payload=NoticeMail,
    max_attempts=8,
    timeout=timedelta(seconds=30),
    retry_delay=timedelta(seconds=2),
)
