"""`python -m local_stack.mail`: settings `HTTP_HOST`, `HTTP_PORT`, `SMTP_PORT`, `MAIL_DIR`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from aiosmtpd.controller import Controller

from local_stack.mail.app import create_app
from local_stack.mail.folder import keep
from local_stack.ports import HOST

if TYPE_CHECKING:
    from aiosmtpd.smtp import SMTP, Envelope, Session


class _Sink:
    """Takes what comes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's name
        keep(self._folder, envelope.original_content or b"", envelope.mail_from, envelope.rcpt_tos)
        return "250 Kept, not delivered"


def main() -> None:
    """Serve SMTP and the page until SIGTERM."""
    folder = Path(os.environ["MAIL_DIR"])
    host = os.environ.get("HTTP_HOST", HOST)
    smtp = Controller(_Sink(folder), hostname=host, port=int(os.environ["SMTP_PORT"]))
    smtp.start()
    try:
        uvicorn.run(
            create_app(folder),
            host=host,
            port=int(os.environ["HTTP_PORT"]),
            access_log=False,
            log_level="warning",
            timeout_graceful_shutdown=3,
        )
    finally:
        smtp.stop()


if __name__ == "__main__":
    main()
