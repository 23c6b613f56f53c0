"""Calls for api keys. Made of the OpenAPI documents; the methods are named in client_generator/resources.toml."""

from collections.abc import Sequence
from datetime import datetime

from gatehouse_client.asynchronous import AsyncCaller, AsyncPages
from gatehouse_client.blocking import Caller, Pages
from gatehouse_client.call import Call, headers_of, json_of, path_of, query_of
from gatehouse_client.model import Page
from gatehouse_client.models.users import ApiKey, NewApiKey


class ApiKeys:
    """Calls for api keys."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def list(self, *, page: int | None = None, page_size: int | None = None) -> Pages[ApiKey]:
        """List one's API keys.

        A page of the caller's keys, the newest first.
        """
        return self._caller.pages(
            Call(
                "GET",
                "/api/v1/users/me/api-keys",
                operation="GET /api/v1/users/me/api-keys",
                query=query_of(page=page, page_size=page_size),
            ),
            Page[ApiKey],
        )

    def create(
        self, *, name: str, expires_at: datetime | None = None, scopes: Sequence[str] | None = None
    ) -> NewApiKey:
        """Make an API key.

        Make a key. It is shown in this answer only; kept is its SHA-256.
        """
        return self._caller.model(
            Call(
                "POST",
                "/api/v1/users/me/api-keys",
                operation="POST /api/v1/users/me/api-keys",
                headers=headers_of("application/json"),
                content=json_of(expires_at=expires_at, name=name, scopes=scopes),
            ),
            NewApiKey,
        )

    def get(self, key_id: int) -> ApiKey:
        """Show an API key.

        One of the caller's keys.
        """
        return self._caller.model(
            Call(
                "GET",
                path_of("/api/v1/users/me/api-keys/{}", key_id),
                operation="GET /api/v1/users/me/api-keys/{key_id}",
            ),
            ApiKey,
        )

    def revoke(self, key_id: int) -> None:
        """Revoke an API key.

        End a key: no more tokens are given for it; the gateway notices within five seconds.
        """
        self._caller.nothing(
            Call(
                "DELETE",
                path_of("/api/v1/users/me/api-keys/{}", key_id),
                operation="DELETE /api/v1/users/me/api-keys/{key_id}",
            )
        )


class AsyncApiKeys:
    """Calls for api keys."""

    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    def list(self, *, page: int | None = None, page_size: int | None = None) -> AsyncPages[ApiKey]:
        """List one's API keys.

        A page of the caller's keys, the newest first.
        """
        return self._caller.pages(
            Call(
                "GET",
                "/api/v1/users/me/api-keys",
                operation="GET /api/v1/users/me/api-keys",
                query=query_of(page=page, page_size=page_size),
            ),
            Page[ApiKey],
        )

    async def create(
        self, *, name: str, expires_at: datetime | None = None, scopes: Sequence[str] | None = None
    ) -> NewApiKey:
        """Make an API key.

        Make a key. It is shown in this answer only; kept is its SHA-256.
        """
        return await self._caller.model(
            Call(
                "POST",
                "/api/v1/users/me/api-keys",
                operation="POST /api/v1/users/me/api-keys",
                headers=headers_of("application/json"),
                content=json_of(expires_at=expires_at, name=name, scopes=scopes),
            ),
            NewApiKey,
        )

    async def get(self, key_id: int) -> ApiKey:
        """Show an API key.

        One of the caller's keys.
        """
        return await self._caller.model(
            Call(
                "GET",
                path_of("/api/v1/users/me/api-keys/{}", key_id),
                operation="GET /api/v1/users/me/api-keys/{key_id}",
            ),
            ApiKey,
        )

    async def revoke(self, key_id: int) -> None:
        """Revoke an API key.

        End a key: no more tokens are given for it; the gateway notices within five seconds.
        """
        await self._caller.nothing(
            Call(
                "DELETE",
                path_of("/api/v1/users/me/api-keys/{}", key_id),
                operation="DELETE /api/v1/users/me/api-keys/{key_id}",
            )
        )
