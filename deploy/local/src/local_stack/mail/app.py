"""The sink's page, its health, and the mails by what tests need of Mailpit's API (version 1)."""

from __future__ import annotations

from email.utils import getaddresses
from html import escape
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from local_stack.mail.folder import Mail, mails

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
        found = mails(folder)
        return JSONResponse({"total": len(found), "messages": [_summary(mail) for mail in found]})

    async def one(request: Request) -> Response:
        asked = request.path_params["name"]
        mail = next((mail for mail in mails(folder) if mail.path.stem == asked), None)
        if mail is None:
            return JSONResponse({"Error": "there is no such message"}, 404)
        return JSONResponse({**_summary(mail), "Text": mail.text})

    async def healthy(_: Request) -> Response:
        return JSONResponse({"status": "healthy", "checks": {}})

    return Starlette(
        routes=[
            Route("/", page),
            Route("/api/v1/messages", listing),
            Route("/api/v1/message/{name}", one),
            Route("/health/live", healthy),
            Route("/health/ready", healthy),
        ]
    )


def _summary(mail: Mail) -> dict[str, object]:
    receivers = getaddresses([str(mail.message["To"])])
    return {
        "ID": mail.path.stem,
        "To": [{"Name": name, "Address": address} for name, address in receivers],
        "Subject": str(mail.message["Subject"]),
    }
