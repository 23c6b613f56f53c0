"""What the jobs that mail have in common: a link is made, a message is handed in, a refusal ends the job."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from functools import partial
from typing import TypeVar

from pydantic import BaseModel

from shared.jobs import JobContext, JobFailed, JobType
from shared.mail import Mailer, MailRefused
from shared.postgres import Connection
from users.domain.account import User
from users.domain.credentials import digest, new_mailed_token
from users.domain.mailed_tokens import Purpose
from users.store import mailed_tokens

PayloadT = TypeVar("PayloadT", bound=BaseModel)


def mail_job(
    name: str, handler: Callable[[str, JobContext, PayloadT], Awaitable[None]], payload: type[PayloadT], public_url: str
) -> JobType[PayloadT]:
    """A job that sends one mail, which may link to ``public_url``; a mail server that is away is tried for minutes."""
    return JobType(
        name,
        partial(handler, public_url),
        payload=payload,
        max_attempts=8,
        timeout=timedelta(seconds=30),
        retry_delay=timedelta(seconds=2),
    )


@dataclass(frozen=True, slots=True)
class Link:
    """A link that was not mailed before, and when it was made."""

    url: str
    at: datetime


async def make_link(
    connection: Connection, context: JobContext, public_url: str, user: User, *, purpose: Purpose, email: str
) -> Link | None:
    """A link for a locked account, good for whoever reads this address; None after too many.

    The token stands behind ``#``: a browser sends that part to nobody, so that it is in no log and no Referer, and a
    scanner that follows links spends nothing.
    """
    token = new_mailed_token(purpose.prefix)
    kept = await mailed_tokens.insert(
        connection, user.id, purpose, email=email, digest=digest(token), job_id=context.job_id
    )
    if not kept:
        return None
    at: datetime = await connection.fetchval("SELECT now()")
    return Link(f"{public_url}{purpose.path}#{token}", at)


async def hand_in(context: JobContext, message: EmailMessage) -> None:
    """Send the message. Raises JobFailed when the server will never take it, MailNotSent to try again."""
    mailer: Mailer = context.resources
    try:
        await mailer.send(message)
    except MailRefused as error:
        raise JobFailed(f"The mail was refused: {error}.") from None
