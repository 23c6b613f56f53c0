"""What the tests of this service stand on: accounts made and signed in over HTTP, as anyone would."""

import secrets
from dataclasses import dataclass
from typing import Any

import httpx

from shared.postgres import Database
from users.gateway_client import CLIENT_ID
from users.gateway_client_settings import DEVELOPMENT_SECRET

PASSWORD = "Correct-Horse-7"
GATEWAY = httpx.BasicAuth(CLIENT_ID, DEVELOPMENT_SECRET)
"""Who alone exchanges API keys."""


@dataclass(frozen=True)
class Account:
    """An account that is logged in."""

    id: int
    email: str
    tokens: dict[str, Any]

    @property
    def headers(self) -> dict[str, str]:
        """The header of its access token."""
        return {"Authorization": f"Bearer {self.tokens['access_token']}"}


def new_email() -> str:
    """An address that nobody has."""
    return f"{secrets.token_hex(6)}@example.com"


class Accounts:
    """Makes accounts through the API; what the API does not offer, through the database."""

    def __init__(self, client: httpx.AsyncClient, database: Database) -> None:
        self._client = client
        self.database = database

    async def make(self, name: str = "Ada Lovelace", *, role: str = "user") -> Account:
        """Register and log in."""
        email = new_email()
        answer = await self._client.post("/api/v1/users", json={"name": name, "email": email, "password": PASSWORD})
        answer.raise_for_status()
        user_id: int = answer.json()["id"]
        if role != "user":
            await self.execute("UPDATE users SET role = $2 WHERE id = $1", user_id, role)
        return Account(user_id, email, await self.log_in(email))

    async def log_in(self, email: str) -> dict[str, Any]:
        """The pair of tokens of a login."""
        answer = await self._client.post("/api/v1/auth/login", json={"email": email, "password": PASSWORD})
        answer.raise_for_status()
        return answer.json()

    async def execute(self, statement: str, *values: object) -> None:
        """Change the database behind the API's back."""
        async with self.database.acquire() as connection:
            await connection.execute(statement, *values)

    async def value(self, statement: str, *values: object) -> Any:
        """Read one value from the database."""
        async with self.database.acquire() as connection:
            return await connection.fetchval(statement, *values)
