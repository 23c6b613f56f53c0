"""reports.ready_mail: tells who asked for it that a report is finished, or that it failed."""

from datetime import timedelta
from email.message import EmailMessage
from functools import partial
from uuid import UUID

import structlog
from pydantic import BaseModel

from reports.domain.report import Report, ReportStatus
from reports.metrics import MAILS
from reports.store import reports as store
from reports.store import seen_users
from reports.store.seen_users import Recipient
from shared.jobs import JobContext, JobFailed, JobType
from shared.mail import Mailer, MailRefused, write_message

log = structlog.stdlib.get_logger(__name__)

NAME = "reports.ready_mail"

_READY = """\
Hello {name},

your report {title} is ready:

{url}

Signed in as you are there, or with a token of yours, you can download it. It is kept for {days} days.
"""
_FAILED = """\
Hello {name},

your report {title} could not be made. {error}

{url}
"""


class ReadyMail(BaseModel):
    """Which report it is about; name and address are read when the mail is written."""

    report_id: int


def ready_mail_job(mailer: Mailer, *, public_url: str, keep_days: int) -> JobType[ReadyMail]:
    """The job type; ``public_url`` is where people reach the gateway."""
    return JobType(
        NAME,
        partial(_handle, mailer, public_url, keep_days),
        payload=ReadyMail,
        max_attempts=8,
        timeout=timedelta(seconds=30),
        retry_delay=timedelta(seconds=2),
    )


def write(
    report: Report, recipient: Recipient, *, sender: str, public_url: str, keep_days: int, job_id: UUID
) -> EmailMessage:
    """The mail: which report, and where it is. No content of it, and no secret, since mail is read on the way."""
    title = f"{report.type.replace('_', ' ')} ({report.format.upper()}, {report.period.describe()})"
    succeeded = report.status is ReportStatus.SUCCEEDED
    url = f"{public_url}/api/v1/reports/{report.id}" + ("/content" if succeeded else "")
    text = (_READY if succeeded else _FAILED).format(
        name=recipient.name, title=title, url=url, days=keep_days, error=report.error or ""
    )
    return write_message(
        sender=sender,
        name=recipient.name,
        email=recipient.email,
        subject=f"Your report is ready: {title}" if succeeded else f"Your report could not be made: {title}",
        text=text,
        at=report.finished_at or report.created_at,
        job_id=job_id,
    )


async def _handle(mailer: Mailer, public_url: str, keep_days: int, context: JobContext, payload: ReadyMail) -> None:
    async with context.database.acquire() as connection:
        report = await store.find(connection, payload.report_id)
        recipient = await seen_users.recipient(connection, report.user_id) if report else None
    if report is None or recipient is None:
        # Deleted meanwhile; or an account that no event has told the address of yet.
        MAILS.labels("nobody").inc()
        log.info("report_mail_to_nobody", report_id=payload.report_id)
        return
    message = write(
        report,
        recipient,
        sender=mailer.sender,
        public_url=public_url,
        keep_days=keep_days,
        job_id=context.job_id,
    )
    try:
        await mailer.send(message)
    except MailRefused as error:
        MAILS.labels("refused").inc()
        raise JobFailed(f"The mail was refused: {error}.") from None
    MAILS.labels("sent").inc()
