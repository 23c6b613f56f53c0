"""users.welcome_mail: greets who has just registered."""

from datetime import timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import TYPE_CHECKING

from pydantic import BaseModel

from shared.jobs import JobContext, JobFailed, JobType
from users.domain.account import User
from users.domain.emails import split_for_smtp
from users.mail import Mailer, MailRefused
from users.store import users

if TYPE_CHECKING:
    from uuid import UUID

WELCOME_MAIL = "users.welcome_mail"

_TEXT = """\
Hello {name},

your Gatehouse account is ready. You can log in now with this e-mail address.

If it was not you who registered, answer this mail and we will remove the account.
"""


class WelcomeMail(BaseModel):
    """Whom to greet; name and address are read when the mail is written."""

    user_id: int


def write(user: User, sender: str, job_id: "UUID") -> EmailMessage:
    """The mail. Its Message-ID is the job's: sent twice, it is one mail to the reader's mail program.

    ``EmailMessage`` encodes names and refuses a line break in a header, and neither a name nor an
    address can have one.
    """
    message = EmailMessage()
    local, domain = split_for_smtp(user.email)
    message["From"] = sender
    message["To"] = Address(display_name=user.name, username=local, domain=domain)
    message["Subject"] = "Welcome to Gatehouse"
    message["Date"] = format_datetime(user.created_at)
    message["Message-ID"] = f"<{job_id}@gatehouse.example>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers, please
    message.set_content(_TEXT.format(name=user.name))
    return message


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
