"""Mails of the sink, and what their links carry."""

import re
from email.message import EmailMessage

from shared.testing.mail_sink import Sink
from shared.testing.waiting import eventually


def mails_about(sink: Sink, address: str, subject: str) -> list[EmailMessage]:
    """The mails of this subject that have come to this address, the oldest first."""
    pairs = zip(sink.mails, sink.recipients, strict=True)
    return [mail for mail, recipient in pairs if recipient == address and mail["Subject"] == subject]


async def mail_about(sink: Sink, address: str, subject: str, count: int = 1) -> EmailMessage:
    """The mail of this subject that came, or comes, to this address; with ``count`` the so-manieth."""
    await eventually(lambda: len(mails_about(sink, address, subject)) >= count, True)
    return mails_about(sink, address, subject)[count - 1]


def token_in(mail: EmailMessage) -> str:
    """The token of the one link of a mail."""
    [token] = re.findall(r"^http\S+/account/[a-z-]+#(gh[vpe]_[A-Za-z0-9_-]{43})\s*$", mail.get_content(), re.MULTILINE)
    return token
