"""The sink's page, its health, and the mails as JSON for tests."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from local_stack.mail.folder import mails

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request

_HEADERS = {"Content-Security-Policy": "default-src 'none'", "X-Content-Type-Options": "nosniff"}
_LISTED = 100


def create_app(folder: Path) -> Starlette:
    """The app over a folder of mails."""

    async def page(_: Request) -> Response:
        found = mails(folder)[:_LISTED]
        body = "".join(
            f"<h2>{escape(str(mail.message['Subject']))}</h2>"
            f"<p>to {escape(str(mail.message['To']))}, {escape(str(mail.message['Date']))}</p>"
            f"<pre>{escape(mail.text)}</pre>"
            for mail in found
        )
        title = '<!doctype html><html lang="en"><meta charset="utf-8"><title>Mail</title><h1>Mail</h1>'
        return HTMLResponse(title + (body or "<p>No mail has come in yet.</p>"), headers=_HEADERS)

    async def listing(_: Request) -> Response:
        return JSONResponse(
            [
                {
                    "file": mail.path.name,
                    "to": str(mail.message["To"]),
                    "subject": str(mail.message["Subject"]),
                    "text": mail.text,
                }
                for mail in mails(folder)
            ]
        )

    async def healthy(_: Request) -> Response:
        return JSONResponse({"status": "healthy", "checks": {}})

    return Starlette(
        routes=[
            Route("/", page),
            Route("/api/mails", listing),
            Route("/health/live", healthy),
            Route("/health/ready", healthy),
        ]
    )
