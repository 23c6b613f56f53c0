"""/users/me/password: the change of one's password."""

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import ConfigDict, Field

from shared.web import RequestBody, get_resources, problem_responses
from users.api.dependencies import CallingClient, Own, PrincipalThatWrites, find_caller
from users.api.fields import Password, Text
from users.api.strong_password import strong
from users.changing_password import change_password
from users.domain.passwords import MAX_LENGTH, MIN_LENGTH

router = APIRouter(prefix="/users/me", tags=["users"])


class PasswordChange(RequestBody):
    """The password that was, and the one that is to be; ``code`` where a second factor is on."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=False)  # of a password nothing is stripped

    current_password: Annotated[Password, Field(max_length=1024)]
    new_password: Password = Field(json_schema_extra={"minLength": MIN_LENGTH, "maxLength": MAX_LENGTH})
    code: Annotated[Text, Field(max_length=64)] | None = None


@router.put(
    "/password",
    status_code=204,
    summary="Change one's password",
    responses=problem_responses(401, 403, 429),
)
async def change_own_password(
    body: PasswordChange, principal: PrincipalThatWrites, own: Own, client: CallingClient, request: Request
) -> None:
    """Change the password. This login goes on, all others end; a mail tells the owner."""
    database = get_resources(request).database
    async with database.acquire() as connection:
        caller = await find_caller(connection, principal)
    caller.check_own_login()
    new_password = strong(body.new_password.get_secret_value(), caller.user, field="new_password")
    await change_password(
        database,
        own,
        caller.user,
        session_id=caller.session_id,
        current_password=body.current_password.get_secret_value(),
        new_password=new_password,
        code=body.code,
        client=client,
    )
