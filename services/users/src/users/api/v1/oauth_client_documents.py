"""Bodies of /oauth/clients."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator
from pydantic.json_schema import SkipJsonSchema

from shared.web import RequestBody
from users.domain.oauth_clients import SERVICE_TIER, ClientSecret, ClientType, GrantType, OAuthClient
from users.domain.redirect_uris import check_redirect_uri
from users.oauth.registration import ClientChanges, ClientDraft

_Name = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,100}$", examples=["The shop's app"])]
_Grants = Annotated[list[GrantType], Field(max_length=3, examples=[["client_credentials"]])]
_RedirectUri = Annotated[str, AfterValidator(check_redirect_uri), Field(examples=["https://app.example/callback"])]
_RedirectUris = Annotated[
    list[_RedirectUri],
    Field(
        max_length=20,
        description="Exact addresses; https, or http to 127.0.0.1 or [::1], where any port is taken (RFC 8252).",
    ),
]
_Scope = Annotated[str, Field(max_length=100)]
_Scopes = Annotated[list[_Scope], Field(max_length=20, examples=[["orders:read"]])]
_Tier = Annotated[Literal["free", "pro", "service"], Field(description="Whose limits the client's own tokens have.")]


TextT = TypeVar("TextT", bound=str)


class OAuthClientBody(RequestBody):
    """A client to register. It acts for people (authorization_code) or for itself (client_credentials)."""

    name: _Name
    type: ClientType
    grants: Annotated[_Grants, Field(default_factory=list)]
    redirect_uris: Annotated[_RedirectUris, Field(default_factory=list)]
    scopes: _Scopes
    tier: _Tier = SERVICE_TIER

    def draft(self) -> ClientDraft:
        """The client that is asked for; what is named twice is there once."""
        return ClientDraft(
            self.name,
            self.type,
            _once(self.grants),
            _once(self.redirect_uris),
            _once(self.scopes),
            self.tier,
        )


class OAuthClientPatch(RequestBody):
    """What is to change; a field that is not named stays (RFC 7396). None of them can be removed."""

    name: _Name | SkipJsonSchema[None] = None
    grants: _Grants | SkipJsonSchema[None] = None
    redirect_uris: _RedirectUris | SkipJsonSchema[None] = None
    scopes: _Scopes | SkipJsonSchema[None] = None
    tier: _Tier | SkipJsonSchema[None] = None

    @field_validator("*", mode="before")
    @classmethod
    def _present(cls, value: object) -> object:
        if value is None:
            raise ValueError("The field cannot be removed.")
        return value

    def changes(self) -> ClientChanges:
        """The change that is asked for."""
        return ClientChanges(
            self.name,
            None if self.grants is None else _once(self.grants),
            None if self.redirect_uris is None else _once(self.redirect_uris),
            None if self.scopes is None else _once(self.scopes),
            self.tier,
        )


def _once(values: Sequence[TextT]) -> tuple[TextT, ...]:
    return tuple(dict.fromkeys(values))


class SecretDocument(BaseModel):
    """A secret by its beginning."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    prefix: str
    created_at: datetime
    last_used_at: datetime | None


class NewSecretDocument(SecretDocument):
    """A secret just made, which is never shown again."""

    client_secret: str

    @classmethod
    def new(cls, secret: ClientSecret, text: str) -> Self:
        """With its text."""
        return cls(**SecretDocument.model_validate(secret).model_dump(), client_secret=text)


class OAuthClientDocument(BaseModel):
    """A registered client."""

    client_id: str
    name: str
    type: ClientType
    grants: list[GrantType]
    redirect_uris: list[str]
    scopes: list[str]
    tier: str
    secrets: list[SecretDocument]
    created_at: datetime

    @classmethod
    def of(cls, client: OAuthClient, secrets: Sequence[ClientSecret]) -> Self:
        """The client as admins see it."""
        return cls(
            client_id=client.client_id,
            name=client.name,
            type=client.type,
            grants=list(client.grants),
            redirect_uris=list(client.redirect_uris),
            scopes=list(client.scopes),
            tier=client.tier,
            secrets=[SecretDocument.model_validate(secret) for secret in secrets],
            created_at=client.created_at,
        )


class NewOAuthClientDocument(OAuthClientDocument):
    """A client just registered: ``client_secret`` is never shown again; a public client has none."""

    client_secret: str | None
