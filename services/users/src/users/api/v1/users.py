"""/users: registration, reading, changing, removing."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from shared.web import (
    NOT_MODIFIED,
    EntityId,
    Page,
    Paging,
    Transaction,
    check_if_match,
    etag,
    get_resources,
    problem_responses,
    unless_known,
)
from users import accounts, registering
from users.api.dependencies import Admin, Caller, CallingClient, Own, Reader, Writer
from users.api.v1.schemas import Registration, UserDocument, UserPatch, UserReplacement
from users.domain.account import Changes, Role
from users.domain.sessions import Client
from users.store import users as store

router = APIRouter(prefix="/users", tags=["users"])
single_router = APIRouter(prefix="/users", tags=["users"])


@router.post(
    "",
    status_code=201,
    summary="Register",
    response_model_exclude_none=True,
)
async def register(body: Registration, own: Own, request: Request, response: Response) -> UserDocument:
    """Make an account. For an address that has one none is made, the answer is the same, and its owner gets a mail."""
    # No connection is held while the password is hashed, and it is hashed whether or not the address is free.
    password_hash = await own.passwords.hash(body.password.get_secret_value())
    async with get_resources(request).database.transaction() as connection:
        user = await registering.register(connection, name=body.name, email=body.email, password_hash=password_hash)
    response.headers["Location"] = f"{request.url.path}/{user.id}"
    response.headers["ETag"] = etag(user.version)
    return UserDocument.of(user)


@router.get("", summary="List users", response_model_exclude_none=True, responses=problem_responses(401, 403))
async def list_users(
    _caller: Admin,
    connection: Transaction,
    paging: Paging,
    role: Annotated[Role | None, Query()] = None,
) -> Page[UserDocument]:
    """A page of all accounts, for an admin, with one role or any."""
    found, total = await store.page(connection, role, paging.page_size, paging.offset)
    return Page.of([UserDocument.of(user) for user in found], total, paging)


@router.get(
    "/me",
    summary="Show the caller's own account",
    response_model=UserDocument,
    response_model_exclude_none=True,
    responses={**problem_responses(401, 403), **NOT_MODIFIED},
)
async def show_me(caller: Reader, request: Request, response: Response) -> UserDocument | Response:
    """The account that the token stands for."""
    return unless_known(request, response, etag(caller.user.version), UserDocument.of(caller.user))


@single_router.get(
    "/{user_id}",
    summary="Show a user",
    response_model=UserDocument,
    response_model_exclude_none=True,
    responses={**problem_responses(401, 403, 404), **NOT_MODIFIED},
    deprecated=True,
)
async def show_user(
    user_id: EntityId, caller: Reader, connection: Transaction, request: Request, response: Response
) -> UserDocument | Response:
    """One's own account, or any for an admin. Version 2 succeeds this route."""
    caller.check_may_see(user_id)
    user = await accounts.show(connection, user_id)
    return unless_known(request, response, etag(user.version), UserDocument.of(user))


@router.put(
    "/{user_id}",
    summary="Replace a user",
    response_model_exclude_none=True,
    responses=problem_responses(401, 403, 404, 409, 412),
)
async def replace_user(
    user_id: EntityId,
    body: UserReplacement,
    caller: Writer,
    connection: Transaction,
    *,
    client: CallingClient,
    request: Request,
    response: Response,
) -> UserDocument:
    """Give an account another name and address; a role by an admin only.

    One's own address is mailed a link first, and is `pending_email` until it is confirmed.
    """
    changes = Changes(name=body.name, email=body.email, role=body.role)
    return await _change(user_id, changes, caller, connection, client=client, request=request, response=response)


@router.patch(
    "/{user_id}",
    summary="Change a user",
    response_model_exclude_none=True,
    responses=problem_responses(401, 403, 404, 409, 412),
)
async def change_user(
    user_id: EntityId,
    body: UserPatch,
    caller: Writer,
    connection: Transaction,
    *,
    client: CallingClient,
    request: Request,
    response: Response,
) -> UserDocument:
    """Change what is named and leave the rest; a role, and whether it is disabled, by an admin only.

    One's own address is mailed a link first, and is `pending_email` until it is confirmed.
    """
    changes = Changes(name=body.name, email=body.email, role=body.role, disabled=body.disabled)
    return await _change(user_id, changes, caller, connection, client=client, request=request, response=response)


@router.delete(
    "/{user_id}",
    status_code=204,
    summary="Delete a user",
    responses=problem_responses(401, 403, 404, 409, 412),
)
async def delete_user(
    user_id: EntityId, caller: Writer, connection: Transaction, client: CallingClient, request: Request
) -> None:
    """Delete an account with its sessions and API keys. The last admin stays (409 `last_admin`)."""
    caller.check_may_see(user_id)
    caller.check_no_application()
    await accounts.remove(
        connection,
        user_id,
        by=caller.user.id,
        client=client,
        precondition=lambda user: check_if_match(request, etag(user.version)),
    )


async def _change(
    user_id: int,
    changes: Changes,
    caller: Caller,
    connection: Transaction,
    *,
    client: Client,
    request: Request,
    response: Response,
) -> UserDocument:
    caller.check_may_see(user_id)
    caller.check_may_change(changes)
    user = await accounts.change(
        connection,
        user_id,
        changes,
        by=accounts.By(caller.user.id, caller.is_admin, caller.session_id, client),
        precondition=lambda user: check_if_match(request, etag(user.version)),
    )
    response.headers["ETag"] = etag(user.version)
    return UserDocument.of(user)
