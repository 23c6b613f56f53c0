"""Bodies of version 2: the account, with its name in parts and links."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field
from pydantic.json_schema import SkipJsonSchema

from users.domain.account import Role, User
from users.domain.names import split_name


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
    email_verified: bool
    pending_email: Annotated[
        str | SkipJsonSchema[None], Field(description="What the address will be once it is confirmed.")
    ] = None
    disabled: Annotated[Literal[True] | SkipJsonSchema[None], Field(description="An admin has shut it.")] = None
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
            email_verified=user.email_verified,
            pending_email=user.pending_email,
            disabled=True if user.disabled else None,
            links=UserLinks(self=f"/api/v2/users/{user.id}"),
        )
