"""GET /users/{id} of version 2: the name in parts, and links."""

from datetime import datetime
from typing import Self

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from shared.web import NOT_MODIFIED, EntityId, Transaction, etag, problem_responses, unless_known
from users import accounts
from users.api.dependencies import Reader
from users.domain.account import Role, User
from users.domain.names import split_name

single_router = APIRouter(prefix="/users", tags=["users"])


class NameParts(BaseModel):
    """A name, split at its first space; ``last`` is empty for a single word."""

    first: str
    last: str


class UserLinks(BaseModel):
    """Where the account is found."""

    self: str


class UserDocumentV2(BaseModel):
    """An account, as version 2 shows it."""

    id: int
    name: NameParts
    email: str
    role: Role
    created_at: datetime
    links: UserLinks

    @classmethod
    def of(cls, user: User) -> Self:
        """The account as version 2 shows it."""
        first, last = split_name(user.name)
        return cls(
            id=user.id,
            name=NameParts(first=first, last=last),
            email=user.email,
            role=user.role,
            created_at=user.created_at,
            links=UserLinks(self=f"/api/v2/users/{user.id}"),
        )


@single_router.get(
    "/{user_id}",
    summary="Show a user",
    response_model=UserDocumentV2,
    responses={**problem_responses(401, 403, 404), **NOT_MODIFIED},
)
async def show_user(
    user_id: EntityId, caller: Reader, connection: Transaction, request: Request, response: Response
) -> UserDocumentV2 | Response:
    """One's own account, or any for an admin."""
    caller.check_may_see(user_id)
    user = await accounts.show(connection, user_id)
    return unless_known(request, response, etag(user.version), UserDocumentV2.of(user))
