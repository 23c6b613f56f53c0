"""/auth/verify-email, /auth/password-reset, /auth/change-email: what is done by a mailed link, as JSON."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import ConfigDict, Field

from shared.web import RequestBody, Transaction, get_resources, problem_responses
from users import changing_email, resetting_password, verifying_email
from users.api.dependencies import CallingClient, Own
from users.api.fields import Password, Text
from users.api.strong_password import strong
from users.domain.account import User
from users.domain.emails import MAX_LENGTH as EMAIL_LENGTH
from users.domain.passwords import MAX_LENGTH, MIN_LENGTH

router = APIRouter(prefix="/auth", tags=["auth"])

Token = Annotated[Text, Field(min_length=1, max_length=128, description="What stands behind # in the mailed link.")]


class AddressBody(RequestBody):
    """An address that may have an account; one that is none is just as unknown."""

    email: Annotated[Text, Field(max_length=EMAIL_LENGTH, examples=["demo@example.com"])]


class TokenBody(RequestBody):
    """The token of a mailed link."""

    token: Token


class PasswordResetBody(RequestBody):
    """The token of a mailed link, and the password that is to be."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=False)  # of a password nothing is stripped

    token: Token
    password: Password = Field(json_schema_extra={"minLength": MIN_LENGTH, "maxLength": MAX_LENGTH})


class EmailChangeBody(RequestBody):
    """The token of a mailed link, and the password of the account; ``code`` where a second factor is on."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=False)  # of a password nothing is stripped

    token: Token
    current_password: Annotated[Password, Field(max_length=1024)]
    code: Annotated[Text, Field(max_length=64)] | None = None


@router.post("/verify-email", status_code=204, summary="Confirm one's e-mail address", responses=problem_responses(400))
async def verify_email(body: TokenBody, connection: Transaction, client: CallingClient) -> None:
    """Spend the token of a mailed link, which proves the address that it was mailed to."""
    await verifying_email.verify(connection, body.token, client=client)


@router.post("/verify-email/resend", status_code=202, summary="Have the link mailed again", response_class=Response)
async def resend_verification(body: AddressBody, connection: Transaction) -> Response:
    """Mail the link again, when there is an account that needs it; the answer does not say whether."""
    await verifying_email.ask_again(connection, body.email)
    return Response(status_code=202)


@router.post("/password-reset", status_code=202, summary="Ask for a new password", response_class=Response)
async def ask_for_password_reset(body: AddressBody, connection: Transaction) -> Response:
    """Mail a link to a new password, when there is an account; the answer does not say whether."""
    await resetting_password.ask(connection, body.email)
    return Response(status_code=202)


@router.post("/password-reset/confirm", status_code=204, summary="Set a new password", responses=problem_responses(400))
async def reset_password(body: PasswordResetBody, own: Own, client: CallingClient, request: Request) -> None:
    """Spend the token of a mailed link for a new password. All logins end, a second factor stays."""

    def check(password: str, user: User) -> str:
        return strong(password, user, field="password")

    await resetting_password.reset(
        get_resources(request).database,
        own,
        body.token,
        body.password.get_secret_value(),
        check=check,
        client=client,
    )


@router.post(
    "/change-email/confirm",
    status_code=204,
    summary="Confirm one's new e-mail address",
    responses=problem_responses(400, 403, 409, 429),
)
async def confirm_email_change(body: EmailChangeBody, own: Own, client: CallingClient, request: Request) -> None:
    """Spend the token of a mailed link, with the password: the account has the new address. The other logins end."""
    await changing_email.confirm(
        get_resources(request).database,
        own,
        body.token,
        current_password=body.current_password.get_secret_value(),
        code=body.code,
        client=client,
    )
