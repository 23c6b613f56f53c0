"""A message that a program writes to one person."""

from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from uuid import UUID

from email_validator import validate_email


def write_message(
    *, sender: str, name: str, email: str, subject: str, text: str, at: datetime, job_id: UUID
) -> EmailMessage:
    """The mail. Its Message-ID is the job's: sent twice, it is one mail to the reader's mail program.

    ``EmailMessage`` encodes names and refuses a line break in a header; the domain goes over the wire in
    ASCII (RFC 5890). Raises ValueError for what is no address.
    """
    message = EmailMessage()
    # "test_environment" takes the domain .test too, which RFC 6761 keeps for exactly that.
    parsed = validate_email(email, check_deliverability=False, test_environment=True, strict=True)
    message["From"] = sender
    message["To"] = Address(display_name=name, username=parsed.local_part, domain=parsed.ascii_domain)
    message["Subject"] = subject
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{job_id}@gatehouse.example>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers, please
    message.set_content(text)
    return message
