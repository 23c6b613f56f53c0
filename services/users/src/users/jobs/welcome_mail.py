"""users.welcome_mail: greets who has just registered, with the link that proves the address."""

from email.message import EmailMessage
from uuid import UUID

from pydantic import BaseModel

from shared.jobs import JobContext, JobType
from shared.mail import write_message
from users.domain.account import User
from users.domain.mailed_tokens import Purpose
from users.jobs.mailing import hand_in, mail_job, make_link
from users.store import users

WELCOME_MAIL = "users.welcome_mail"

_TEXT = """\
Hello {name},

your Gatehouse account is ready. You can log in now with this e-mail address.
{confirm}
If it was not you who registered, answer this mail and we will remove the account.
"""
_CONFIRM = """
Confirm that the address is yours:

{url}

The link is good once, for 24 hours.
"""


class WelcomeMail(BaseModel):
    """Whom to greet; name and address are read when the mail is written."""

    user_id: int


def write(user: User, sender: str, job_id: UUID, url: str | None) -> EmailMessage:
    """The mail; neither a name nor an address of an account can have a line break."""
    confirm = _CONFIRM.format(url=url) if url else ""
    return write_message(
        sender=sender,
        name=user.name,
        email=user.email,
        subject="Welcome to Gatehouse",
        text=_TEXT.format(name=user.name, confirm=confirm),
        at=user.created_at,
        job_id=job_id,
    )


async def handle(public_url: str, context: JobContext, payload: WelcomeMail) -> None:
    """Send the mail, unless the account is gone again; a server that is away is tried later."""
    async with context.transaction() as connection:
        user = await users.lock(connection, payload.user_id)
        if user is None:
            return
        link = None
        if not user.email_verified:
            link = await make_link(
                connection, context, public_url, user, purpose=Purpose.VERIFY_EMAIL, email=user.email
            )
    await hand_in(context, write(user, context.resources.sender, context.job_id, link.url if link else None))


def job(public_url: str) -> JobType[WelcomeMail]:
    """The job type; ``public_url`` is where people reach the gateway."""
    return mail_job(WELCOME_MAIL, handle, WelcomeMail, public_url)
