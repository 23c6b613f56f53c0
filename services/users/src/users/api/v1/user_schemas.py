"""Bodies of the routes under /users."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic.json_schema import SkipJsonSchema

from shared.web import RequestBody
from users.api.fields import Email, Password, PersonName
from users.domain.account import Role, User
from users.domain.passwords import MAX_LENGTH, MIN_LENGTH, check_password


class Registration(RequestBody):
    """A new account; whatever else is sent along (a role, say) is ignored."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=False)  # of a password nothing is stripped

    name: PersonName
    email: Email
    password: Password = Field(
        description="With an upper-case letter and a digit.",
        json_schema_extra={"minLength": MIN_LENGTH, "maxLength": MAX_LENGTH},
    )

    @field_validator("password")
    @classmethod
    def _strong(cls, password: Password, info: ValidationInfo) -> Password:
        check_password(password.get_secret_value(), info.data.get("email", ""))
        return password


class UserReplacement(RequestBody):
    """A whole account; the role stays when it is not named."""

    name: PersonName
    email: Email
    role: Role | SkipJsonSchema[None] = None


class UserPatch(RequestBody):
    """What is to change; a field that is not named stays (RFC 7396). None of them can be removed."""

    name: PersonName | SkipJsonSchema[None] = None
    email: Email | SkipJsonSchema[None] = None
    role: Role | SkipJsonSchema[None] = None

    @field_validator("*", mode="before")
    @classmethod
    def _present(cls, value: object) -> object:
        if value is None:
            raise ValueError("The field cannot be removed.")
        return value


class UserDocument(BaseModel):
    """An account."""

    id: int
    name: str
    email: str
    role: Role
    created_at: datetime

    @classmethod
    def of(cls, user: User) -> Self:
        """The account as version 1 shows it."""
        return cls(id=user.id, name=user.name, email=user.email, role=user.role, created_at=user.created_at)
