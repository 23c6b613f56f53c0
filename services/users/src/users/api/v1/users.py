"""/users: registration, reading, changing, removing."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from shared.web import (
    EntityId,
    Page,
    PageQuery,
    Transaction,
    check_if_match,
    etag,
    get_resources,
    not_modified,
    problem_responses,
)
from shared.web.pagination import page_query
from users import accounts
from users.api.dependencies import Admin, Caller, Own, Reader, Writer
from users.api.v1.user_schemas import Registration, UserDocument, UserPatch, UserReplacement
from users.domain.account import Changes, Role, User
from users.store import users as store

router = APIRouter(prefix="/users", tags=["users"])
single_router = APIRouter(prefix="/users", tags=["users"])

_CACHED = {304: {"description": "The version that If-None-Match names is still the current one."}}


@router.post(
    "",
    status_code=201,
    summary="Register",
    responses=problem_responses(409),
)
async def register(body: Registration, own: Own, request: Request, response: Response) -> UserDocument:
    """Make an account. An address that has one already answers 409 `email_taken`."""
    # No connection is held while the password is hashed, and it is hashed whether or not the address is free.
    password_hash = await own.passwords.hash(body.password.get_secret_value())
    async with get_resources(request).database.transaction() as connection:
        user = await accounts.register(connection, name=body.name, email=body.email, password_hash=password_hash)
    response.headers["Location"] = f"{request.url.path}/{user.id}"
    response.headers["ETag"] = etag(user.version)
    return UserDocument.of(user)


@router.get("", summary="List users", responses=problem_responses(401, 403))
async def list_users(
    _caller: Admin,
    connection: Transaction,
    page: Annotated[PageQuery, Depends(page_query)],
    role: Annotated[Role | None, Query()] = None,
) -> Page[UserDocument]:
    """A page of all accounts, for an admin, with one role or any."""
    found, total = await store.page(connection, role, page.page_size, page.offset)
    items = [UserDocument.of(user) for user in found]
    return Page(items=items, total=total, page=page.page, page_size=page.page_size)


@router.get(
    "/me",
    summary="Show the caller's own account",
    response_model=UserDocument,
    responses={**problem_responses(401, 403), **_CACHED},
)
async def show_me(caller: Reader, request: Request, response: Response) -> UserDocument | Response:
    """The account that the token stands for."""
    return _shown(caller.user, request, response)


@single_router.get(
    "/{user_id}",
    summary="Show a user",
    response_model=UserDocument,
    responses={**problem_responses(401, 403, 404), **_CACHED},
    deprecated=True,
)
async def show_user(
    user_id: EntityId, caller: Reader, connection: Transaction, request: Request, response: Response
) -> UserDocument | Response:
    """One's own account, or any for an admin. Version 2 succeeds this route."""
    caller.check_may_see(user_id)
    return _shown(await accounts.show(connection, user_id), request, response)


@router.put("/{user_id}", summary="Replace a user", responses=problem_responses(401, 403, 404, 409, 412))
async def replace_user(
    user_id: EntityId,
    body: UserReplacement,
    caller: Writer,
    connection: Transaction,
    *,
    request: Request,
    response: Response,
) -> UserDocument:
    """Give an account another name and address; a role by an admin only."""
    changes = Changes(name=body.name, email=body.email, role=body.role)
    return await _change(user_id, changes, caller, connection, request=request, response=response)


@router.patch("/{user_id}", summary="Change a user", responses=problem_responses(401, 403, 404, 409, 412))
async def change_user(
    user_id: EntityId,
    body: UserPatch,
    caller: Writer,
    connection: Transaction,
    *,
    request: Request,
    response: Response,
) -> UserDocument:
    """Change what is named and leave the rest; a role by an admin only."""
    changes = Changes(name=body.name, email=body.email, role=body.role)
    return await _change(user_id, changes, caller, connection, request=request, response=response)


@router.delete(
    "/{user_id}",
    status_code=204,
    summary="Delete a user",
    responses=problem_responses(401, 403, 404, 409, 412),
)
async def delete_user(user_id: EntityId, caller: Writer, connection: Transaction, request: Request) -> None:
    """Delete an account with its sessions and API keys. The last admin stays (409 `last_admin`)."""
    caller.check_may_see(user_id)
    await accounts.remove(connection, user_id, precondition=lambda user: check_if_match(request, user.version))


async def _change(
    user_id: int,
    changes: Changes,
    caller: Caller,
    connection: Transaction,
    *,
    request: Request,
    response: Response,
) -> UserDocument:
    caller.check_may_see(user_id)
    user = await accounts.change(
        connection,
        user_id,
        changes,
        by_admin=caller.is_admin,
        precondition=lambda user: check_if_match(request, user.version),
    )
    response.headers["ETag"] = etag(user.version)
    return UserDocument.of(user)


def _shown(user: User, request: Request, response: Response) -> UserDocument | Response:
    unchanged = not_modified(request, user.version)
    if unchanged is not None:
        return unchanged
    response.headers["ETag"] = etag(user.version)
    return UserDocument.of(user)
