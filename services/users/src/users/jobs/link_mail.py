"""users.link_mail: mails a link that does one thing once. Who is meant, and whether at all, is found out here.

The API queues this job in the same way whether an address is known or not: what differs happens where no stranger
can measure it (TRAPS.md, Auth 4).
"""

from enum import StrEnum

import structlog
from pydantic import BaseModel

from shared.jobs import JobContext, JobType, enqueue
from shared.mail import write_message
from shared.postgres import Connection
from users.domain.account import User
from users.domain.audit import AuditAction
from users.domain.emails import email_key
from users.domain.mailed_tokens import Purpose
from users.jobs import link_mail_texts as texts
from users.jobs.mailing import hand_in, mail_job, make_link
from users.jobs.notice_mail import NOTICE_MAIL, Notice, NoticeMail
from users.store import audit, users

log = structlog.stdlib.get_logger(__name__)

LINK_MAIL = "users.link_mail"


class LinkKind(StrEnum):
    """Why a link is mailed."""

    VERIFY_EMAIL = "verify_email"
    RESET_PASSWORD = "reset_password"  # noqa: S105 - no password
    ACCOUNT_EXISTS = "account_exists"
    CHANGE_EMAIL = "change_email"


_PURPOSES = {
    LinkKind.VERIFY_EMAIL: Purpose.VERIFY_EMAIL,
    LinkKind.RESET_PASSWORD: Purpose.RESET_PASSWORD,
    LinkKind.ACCOUNT_EXISTS: Purpose.RESET_PASSWORD,
    LinkKind.CHANGE_EMAIL: Purpose.CHANGE_EMAIL,
}


class LinkMail(BaseModel):
    """Whose account it is about, None for an address without one; name and address are read when it is written."""

    user_id: int | None
    kind: LinkKind


def _address(user: User, kind: LinkKind) -> str | None:
    """Where this mail goes; None where there is nothing to mail."""
    if not user.is_active or (kind is LinkKind.VERIFY_EMAIL and user.email_verified):
        return None
    return user.pending_email if kind is LinkKind.CHANGE_EMAIL else user.email


async def handle(public_url: str, context: JobContext, payload: LinkMail) -> None:
    """Make the link and mail it; nothing for an unknown address, a disabled account, and after too many mails."""
    if payload.user_id is None:
        return
    kind = payload.kind
    async with context.transaction() as connection:
        user = await users.lock(connection, payload.user_id)
        address = _address(user, kind) if user else None
        if user is None or address is None:
            return
        link = await make_link(connection, context, public_url, user, purpose=_PURPOSES[kind], email=address)
        if link is None:
            log.info("too_many_mails", user_id=user.id, kind=kind.value)
            return
        taken = kind is LinkKind.CHANGE_EMAIL and await _is_anothers(connection, user, address)
        await _note(connection, context, user, kind)
    text = texts.TAKEN if taken else texts.OF[kind.value]
    message = write_message(
        sender=context.resources.sender,
        name=user.name,
        email=address,
        subject=text.subject,
        text=text.body.format(name=user.name, url=link.url),
        at=link.at,
        job_id=context.job_id,
    )
    await hand_in(context, message)


async def _is_anothers(connection: Connection, user: User, address: str) -> bool:
    return await users.find_id(connection, email_key(address)) not in (None, user.id)


async def _note(connection: Connection, context: JobContext, user: User, kind: LinkKind) -> None:
    if kind is LinkKind.CHANGE_EMAIL:
        notice = NoticeMail(user_id=user.id, notice=Notice.EMAIL_CHANGE_ASKED)
        await enqueue(connection, NOTICE_MAIL, notice, unique_key=str(context.job_id))
    elif kind is LinkKind.RESET_PASSWORD and context.attempt == 1:
        action = AuditAction.PASSWORD_RESET_REQUESTED
        await audit.insert(connection, action, actor_id=None, subject_id=user.id)


def job(public_url: str) -> JobType[LinkMail]:
    """The job type; ``public_url`` is where people reach the gateway."""
    return mail_job(LINK_MAIL, handle, LinkMail, public_url)
