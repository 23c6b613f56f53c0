"""Bodies of version 1."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StrictBool, ValidationInfo, field_validator
from pydantic.json_schema import SkipJsonSchema

from shared.web import RequestBody
from users import signing_in
from users.api.fields import Code, Email, Password, PersonName, Text
from users.domain.account import Role, User
from users.domain.emails import MAX_LENGTH as EMAIL_LENGTH
from users.domain.passwords import MAX_LENGTH, MIN_LENGTH, check_password
from users.domain.sessions import ApiKey, Session

_LONGEST_TOKEN = 512


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
        check_password(password.get_secret_value(), info.data.get("email", ""), info.data.get("name", ""))
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
    disabled: Annotated[StrictBool | SkipJsonSchema[None], Field(description="An admin's to say.")] = None

    @field_validator("*", mode="before")
    @classmethod
    def _present(cls, value: object) -> object:
        if value is None:
            raise ValueError("The field cannot be removed.")
        return value


class UserDocument(BaseModel):
    """An account. ``pending_email`` and ``disabled`` are there while there is something to say."""

    id: int
    name: str
    email: str
    role: Role
    created_at: datetime
    email_verified: bool
    pending_email: Annotated[
        str | SkipJsonSchema[None], Field(description="What the address will be once it is confirmed.")
    ] = None
    disabled: Annotated[Literal[True] | SkipJsonSchema[None], Field(description="An admin has shut it.")] = None

    @classmethod
    def of(cls, user: User) -> Self:
        """The account as version 1 shows it."""
        return cls(
            id=user.id,
            name=user.name,
            email=user.email,
            role=user.role,
            created_at=user.created_at,
            email_verified=user.email_verified,
            pending_email=user.pending_email,
            disabled=True if user.disabled else None,
        )


class LoginBody(RequestBody):
    """Credentials. Whatever is no address or no possible password is just as wrong as a wrong one."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=False)  # of a password nothing is stripped

    email: Annotated[Text, Field(max_length=EMAIL_LENGTH, examples=["demo@example.com"])]
    password: Annotated[Password, Field(max_length=1024)]
    code: Code | SkipJsonSchema[None] = None


class RefreshBody(RequestBody):
    """A refresh token."""

    refresh_token: Annotated[Text, Field(min_length=1, max_length=_LONGEST_TOKEN)]


class TokenDocument(BaseModel):
    """A pair of tokens (RFC 6749 section 5.1); the refresh token is good for one use."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the scheme's name
    expires_in: int
    refresh_token: str

    @classmethod
    def of(cls, pair: signing_in.TokenPair) -> Self:
        """The pair as it is answered."""
        return cls(access_token=pair.access.token, expires_in=pair.access.expires_in, refresh_token=pair.refresh_token)


class SessionDocument(BaseModel):
    """A login that has not ended, or an application (``client``) that was allowed in; ``current`` is who asks."""

    id: int
    user_agent: str
    address: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    current: bool
    client: str | None

    @classmethod
    def of(cls, session: Session, current: int | None) -> Self:
        """The session as its owner sees it."""
        return cls(
            id=session.id,
            user_agent=session.user_agent,
            address=session.address,
            created_at=session.created_at,
            last_used_at=session.last_used_at,
            expires_at=session.expires_at,
            current=session.id == current,
            client=session.client,
        )


class ApiKeyBody(RequestBody):
    """A key to make. Without ``scopes`` it has all of the caller's but ``admin``; without an end it lasts."""

    name: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,100}$", examples=["deploy script"])]
    scopes: Annotated[list[str], Field(max_length=20, examples=[["orders:read"]])] | None = None
    expires_at: AwareDatetime | None = None


class ApiKeyDocument(BaseModel):
    """A key without its secret."""

    id: int
    name: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None

    @classmethod
    def of(cls, key: ApiKey) -> Self:
        """The key as its owner sees it."""
        return cls(
            id=key.id,
            name=key.name,
            scopes=list(key.scopes),
            created_at=key.created_at,
            expires_at=key.expires_at,
            last_used_at=key.last_used_at,
        )


class NewApiKeyDocument(ApiKeyDocument):
    """A key just made: ``key`` is what goes into ``X-API-Key`` and is never shown again."""

    key: str
