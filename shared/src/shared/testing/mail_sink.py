"""A real SMTP server that keeps the mail it takes."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, Envelope, Session

from shared.testing.waiting import PATIENCE_SECONDS


class Sink:
    """Keeps the mail that a real SMTP server took; refuses or delays as it is told."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.answers: dict[str, str] = {}

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Take a message, or give its recipient's answer once: the mails of other tests may still be on their way."""
        for recipient in envelope.rcpt_tos:
            if recipient in self.answers:
                return self.answers.pop(recipient)
        content = envelope.content
        if not isinstance(content, bytes):
            return "554 not bytes"
        self.mails.append(message_from_bytes(content, policy=policy.default))
        self.recipients += envelope.rcpt_tos
        return "250 OK"

    async def mail_to(self, address: str) -> EmailMessage:
        """The mail that came, or comes, to this address."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                for mail, recipient in zip(self.mails, self.recipients, strict=True):
                    if recipient == address:
                        return mail
                await asyncio.sleep(0.05)


@asynccontextmanager
async def serving(sink: Sink) -> AsyncGenerator[str]:
    """Take mail for the sink; the URL to hand it in at."""
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(sink, enable_SMTPUTF8=True, hostname="sink.test"), "127.0.0.1", 0
    )
    yield f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
