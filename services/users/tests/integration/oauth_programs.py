"""OAuth clients to play with."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import jwt

from shared.postgres import Database
from users.domain.credentials import digest, new_client_id, new_client_secret
from users.domain.oauth_clients import SERVICE_TIER, ClientType, GrantType
from users.store import oauth_clients as store

TOKEN = "/api/v1/oauth/token"


@dataclass(frozen=True)
class Program:
    """A registered client that knows its secret."""

    client_id: str
    secret: str
    client: httpx.AsyncClient = field(repr=False)

    @property
    def basic(self) -> httpx.BasicAuth:
        """client_secret_basic."""
        return httpx.BasicAuth(self.client_id, self.secret)

    async def ask(self, **form: str) -> httpx.Response:
        """Ask for a token by client_credentials, unless the form says otherwise."""
        return await self.client.post(TOKEN, data={"grant_type": "client_credentials", **form}, auth=self.basic)

    async def token(self, **form: str) -> str:
        """A token that was given."""
        answer = await self.ask(**form)
        assert answer.status_code == 200, answer.text
        return answer.json()["access_token"]

    async def claims(self, **form: str) -> dict[str, Any]:
        """What the token says."""
        return jwt.decode(await self.token(**form), options={"verify_signature": False})


class Programs:
    """Registers clients."""

    def __init__(self, client: httpx.AsyncClient, database: Database) -> None:
        self.client = client
        self.database = database

    async def make(
        self,
        scopes: Sequence[str] = ("users:read", "orders:read"),
        *,
        kind: ClientType = ClientType.CONFIDENTIAL,
        grants: Sequence[GrantType] = (GrantType.CLIENT_CREDENTIALS,),
        redirect_uris: Sequence[str] = (),
        tier: str = SERVICE_TIER,
    ) -> Program:
        """A client, and its secret if it is confidential."""
        client_id, secret = new_client_id(), new_client_secret()
        async with self.database.transaction() as connection:
            await store.insert(
                connection,
                client_id,
                name="A program",
                kind=kind,
                grants=grants,
                redirect_uris=redirect_uris,
                scopes=scopes,
                tier=tier,
            )
            if kind is ClientType.CONFIDENTIAL:
                await store.add_secret(connection, client_id, digest(secret), secret[:8])
        return Program(client_id, secret, self.client)
