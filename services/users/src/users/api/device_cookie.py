"""The cookie by which a browser is known to have logged in to an account before."""

from fastapi import Request, Response

from users.devices import DEVICE_LIFETIME

NAME = "gatehouse_device"
_MOST = 400


def read_device(request: Request) -> str:
    """The token in the cookie, empty without one."""
    token = request.cookies.get(NAME, "")
    return token if len(token) <= _MOST else ""


def give_device(response: Response, token: str, issuer: str) -> None:
    """Have the browser keep the token: sent to our own paths alone, and by https where the issuer has it."""
    response.set_cookie(
        NAME,
        token,
        max_age=int(DEVICE_LIFETIME.total_seconds()),
        path="/api",
        secure=issuer.startswith("https://"),
        httponly=True,
        samesite="strict",
    )
