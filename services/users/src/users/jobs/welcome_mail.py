"""users.welcome_mail: greets who has just registered."""

from datetime import timedelta
from email.message import EmailMessage
from uuid import UUID

from pydantic import BaseModel

from shared.jobs import JobContext, JobFailed, JobType
from shared.mail import Mailer, MailRefused, write_message
from users.domain.account import User
from users.store import users

WELCOME_MAIL = "users.welcome_mail"

_TEXT = """\
Hello {name},

your Gatehouse account is ready. You can log in now with this e-mail address.

If it was not you who registered, answer this mail and we will remove the account.
"""


class WelcomeMail(BaseModel):
    """Whom to greet; name and address are read when the mail is written."""

    user_id: int


def write(user: User, sender: str, job_id: UUID) -> EmailMessage:
    """The mail; neither a name nor an address of an account can have a line break."""
    return write_message(
        sender=sender,
        name=user.name,
        email=user.email,
        subject="Welcome to Gatehouse",
        text=_TEXT.format(name=user.name),
        at=user.created_at,
        job_id=job_id,
    )


async def handle(context: JobContext, payload: WelcomeMail) -> None:
    """Send the mail, unless the account is gone again; a server that is away is tried later."""
    mailer: Mailer = context.resources
    async with context.database.acquire() as connection:
        user = await users.find(connection, payload.user_id)
    if user is None:
        return
    try:
        await mailer.send(write(user, mailer.sender, context.job_id))
    except MailRefused as error:
        raise JobFailed(f"The welcome mail was refused: {error}.") from None


JOB = JobType(
    WELCOME_MAIL,
    handle,
    payload=WelcomeMail,
    max_attempts=8,
    timeout=timedelta(seconds=30),
    retry_delay=timedelta(seconds=2),
)
