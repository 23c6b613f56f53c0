"""/users/me/second-factor: codes of an authenticator app beside the password."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from shared.problems import Forbidden
from shared.web import EntityId, RequestBody, Transaction, get_resources, problem_responses
from users import second_factor_setup as setup
from users.api.dependencies import (
    CallingClient,
    Own,
    PrincipalThatWrites,
    Reader,
    SignedInHere,
    find_caller,
)
from users.api.fields import Code, Password
from users.domain.account import User
from users.reauthenticating import reauthenticate
from users.store import second_factors as store

router = APIRouter(prefix="/users/me/second-factor", tags=["second factor"])
reset_router = APIRouter(prefix="/users", tags=["second factor"])

_NO_STORE = {"Cache-Control": "no-store"}


class Reauthentication(RequestBody):
    """The password again, and a code when a second factor is on."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=False)  # of a password nothing is stripped

    current_password: Annotated[Password, Field(max_length=1024)]
    code: Code | SkipJsonSchema[None] = None


async def _reauthenticated(
    body: Reauthentication, principal: PrincipalThatWrites, own: Own, client: CallingClient, request: Request
) -> User:
    # No connection is held while the password is checked.
    database = get_resources(request).database
    async with database.acquire() as connection:
        caller = await find_caller(connection, principal)
    caller.check_own_login()
    code = body.code.get_secret_value() if body.code is not None else None
    return await reauthenticate(database, own, caller.user, body.current_password.get_secret_value(), code, client)


Owner = Annotated[User, Depends(_reauthenticated)]
"""Whose account it is, who has just shown the password, and the code when a factor is on."""


class Confirmation(RequestBody):
    """The code that the app shows for the new secret."""

    code: Code


class SecondFactorDocument(BaseModel):
    """Whether a second factor is on, since when, and how many recovery codes are left."""

    enabled: bool
    confirmed_at: datetime | None
    recovery_codes_left: int


class NewSecondFactorDocument(BaseModel):
    """A secret for an authenticator app, shown in this answer only: as text, and as the URI of a QR code."""

    secret: str
    otpauth_uri: str


class RecoveryCodesDocument(BaseModel):
    """Codes that are good for one use each when the app is lost; shown in this answer only."""

    recovery_codes: list[str]


@router.get("", summary="Show one's second factor", responses=problem_responses(401, 403))
async def show_second_factor(caller: Reader, connection: Transaction) -> SecondFactorDocument:
    """Whether it is on."""
    factor = await store.find(connection, caller.user.id)
    confirmed_at = factor.confirmed_at if factor else None
    left = await store.count_recovery_codes(connection, caller.user.id)
    return SecondFactorDocument(enabled=confirmed_at is not None, confirmed_at=confirmed_at, recovery_codes_left=left)


@router.post("", status_code=201, summary="Begin a second factor", responses=problem_responses(401, 403, 409, 429))
async def begin_second_factor(owner: Owner, own: Own, request: Request, response: Response) -> NewSecondFactorDocument:
    """Make a secret for an authenticator app. It counts for nothing until a code of it is confirmed."""
    async with get_resources(request).database.transaction() as connection:
        new = await setup.begin(connection, own.second_factors, owner)
    response.headers.update(_NO_STORE)
    return NewSecondFactorDocument(secret=new.secret, otpauth_uri=new.uri)


@router.post("/confirm", summary="Turn a second factor on", responses=problem_responses(401, 403, 404, 409))
async def confirm_second_factor(
    body: Confirmation,
    caller: SignedInHere,
    connection: Transaction,
    *,
    own: Own,
    client: CallingClient,
    response: Response,
) -> RecoveryCodesDocument:
    """Turn the factor on by the code that the app shows, within 15 minutes; ten recovery codes, shown once."""
    code = body.code.get_secret_value()
    codes = await setup.confirm(connection, own.second_factors, caller.user, code, client)
    response.headers.update(_NO_STORE)
    return RecoveryCodesDocument(recovery_codes=codes)


@router.post(
    "/recovery-codes",
    status_code=201,
    summary="Make new recovery codes",
    responses=problem_responses(401, 403, 404, 429),
)
async def renew_recovery_codes(
    owner: Owner, client: CallingClient, request: Request, response: Response
) -> RecoveryCodesDocument:
    """Make ten recovery codes; the old ones end."""
    async with get_resources(request).database.transaction() as connection:
        codes = await setup.renew_recovery_codes(connection, owner, client)
    response.headers.update(_NO_STORE)
    return RecoveryCodesDocument(recovery_codes=codes)


@router.delete(
    "", status_code=204, summary="Turn one's second factor off", responses=problem_responses(401, 403, 404, 429)
)
async def turn_off_second_factor(owner: Owner, client: CallingClient, request: Request) -> None:
    """Turn the factor off with the password and a code of it; its recovery codes go with it."""
    async with get_resources(request).database.transaction() as connection:
        await setup.turn_off(connection, owner, client)


@reset_router.delete(
    "/{user_id}/second-factor",
    status_code=204,
    summary="Reset another's second factor",
    responses=problem_responses(401, 403, 404),
)
async def reset_second_factor(
    user_id: EntityId, caller: SignedInHere, connection: Transaction, client: CallingClient
) -> None:
    """As an admin, remove the factor of somebody who lost it. One's own needs its code, or another admin."""
    if not caller.is_admin or caller.user.id == user_id:
        raise Forbidden("forbidden", "This is for another user, who is an admin.")
    await setup.reset(connection, user_id, by=caller.user.id, client=client)
