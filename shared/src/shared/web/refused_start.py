"""Why an application refuses to start, in words: some settings can be judged only by what is in the database."""

import sys

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.settings import UnusableSettingError


def refused_in_words(app: ASGIApp) -> ASGIApp:
    """The application, whose lifespan answers a setting that is unusable by its message and not by a traceback."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await app(scope, receive, send)
            return

        async def send_words(message: Message) -> None:
            error = sys.exc_info()[1]
            if message["type"] == "lifespan.startup.failed" and isinstance(error, UnusableSettingError):
                message = {**message, "message": f"the settings are not right: {error}"}
            await send(message)

        await app(scope, receive, send_words)

    return wrapped
