"""Calls for oauth clients. Made of the OpenAPI documents; the methods are named in client_generator/resources.toml."""

from collections.abc import Sequence
from typing import Literal

from gatehouse_client.asynchronous import AsyncCaller, AsyncPages
from gatehouse_client.blocking import Caller, Pages
from gatehouse_client.call import Call, headers_of, json_of, path_of, query_of
from gatehouse_client.model import Page
from gatehouse_client.models.users import ClientType, GrantType, NewOAuthClient, NewSecret, OAuthClient


class OauthClients:
    """Calls for oauth clients."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def list(self, *, page: int | None = None, page_size: int | None = None) -> Pages[OAuthClient]:
        """List the OAuth clients.

        A page of clients, the newest first.
        """
        return self._caller.pages(
            Call(
                "GET",
                "/api/v1/oauth/clients",
                operation="GET /api/v1/oauth/clients",
                query=query_of(page=page, page_size=page_size),
            ),
            Page[OAuthClient],
        )

    def create(
        self,
        *,
        name: str,
        scopes: Sequence[str],
        type: ClientType,
        grants: Sequence[GrantType] | None = None,
        redirect_uris: Sequence[str] | None = None,
        tier: Literal["free", "pro", "service"] | None = None,
    ) -> NewOAuthClient:
        """Register an OAuth client.

        Register a program. The secret of a confidential one is in this answer only; kept is its SHA-256.
        """
        return self._caller.model(
            Call(
                "POST",
                "/api/v1/oauth/clients",
                operation="POST /api/v1/oauth/clients",
                headers=headers_of("application/json"),
                content=json_of(
                    grants=grants, name=name, redirect_uris=redirect_uris, scopes=scopes, tier=tier, type=type
                ),
            ),
            NewOAuthClient,
        )

    def get(self, client_id: str) -> OAuthClient:
        """Show an OAuth client.

        One client with its secrets' beginnings and when they were last used.
        """
        return self._caller.model(
            Call(
                "GET", path_of("/api/v1/oauth/clients/{}", client_id), operation="GET /api/v1/oauth/clients/{client_id}"
            ),
            OAuthClient,
        )

    def change(
        self,
        client_id: str,
        *,
        grants: Sequence[GrantType] | None = None,
        name: str | None = None,
        redirect_uris: Sequence[str] | None = None,
        scopes: Sequence[str] | None = None,
        tier: Literal["free", "pro", "service"] | None = None,
    ) -> OAuthClient:
        """Change an OAuth client.

        Change what is named. Tokens of the client that are out end when it loses a scope or a grant.
        """
        return self._caller.model(
            Call(
                "PATCH",
                path_of("/api/v1/oauth/clients/{}", client_id),
                operation="PATCH /api/v1/oauth/clients/{client_id}",
                headers=headers_of("application/json"),
                content=json_of(grants=grants, name=name, redirect_uris=redirect_uris, scopes=scopes, tier=tier),
            ),
            OAuthClient,
        )

    def delete(self, client_id: str) -> None:
        """Remove an OAuth client.

        Remove a client: its secrets, its tokens and what people allowed it end with it.
        """
        self._caller.nothing(
            Call(
                "DELETE",
                path_of("/api/v1/oauth/clients/{}", client_id),
                operation="DELETE /api/v1/oauth/clients/{client_id}",
            )
        )

    def create_secret(self, client_id: str) -> NewSecret:
        """Give an OAuth client another secret.

        Rotate: the new secret is shown once, the one before it goes on to hold, one older than that ends.
        """
        return self._caller.model(
            Call(
                "POST",
                path_of("/api/v1/oauth/clients/{}/secrets", client_id),
                operation="POST /api/v1/oauth/clients/{client_id}/secrets",
            ),
            NewSecret,
        )

    def delete_secret(self, client_id: str, secret_id: int) -> None:
        """End a secret of an OAuth client.

        End a secret at once, and the client's own tokens that are out: it may be in wrong hands.
        """
        self._caller.nothing(
            Call(
                "DELETE",
                path_of("/api/v1/oauth/clients/{}/secrets/{}", client_id, secret_id),
                operation="DELETE /api/v1/oauth/clients/{client_id}/secrets/{secret_id}",
            )
        )


class AsyncOauthClients:
    """Calls for oauth clients."""

    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    def list(self, *, page: int | None = None, page_size: int | None = None) -> AsyncPages[OAuthClient]:
        """List the OAuth clients.

        A page of clients, the newest first.
        """
        return self._caller.pages(
            Call(
                "GET",
                "/api/v1/oauth/clients",
                operation="GET /api/v1/oauth/clients",
                query=query_of(page=page, page_size=page_size),
            ),
            Page[OAuthClient],
        )

    async def create(
        self,
        *,
        name: str,
        scopes: Sequence[str],
        type: ClientType,
        grants: Sequence[GrantType] | None = None,
        redirect_uris: Sequence[str] | None = None,
        tier: Literal["free", "pro", "service"] | None = None,
    ) -> NewOAuthClient:
        """Register an OAuth client.

        Register a program. The secret of a confidential one is in this answer only; kept is its SHA-256.
        """
        return await self._caller.model(
            Call(
                "POST",
                "/api/v1/oauth/clients",
                operation="POST /api/v1/oauth/clients",
                headers=headers_of("application/json"),
                content=json_of(
                    grants=grants, name=name, redirect_uris=redirect_uris, scopes=scopes, tier=tier, type=type
                ),
            ),
            NewOAuthClient,
        )

    async def get(self, client_id: str) -> OAuthClient:
        """Show an OAuth client.

        One client with its secrets' beginnings and when they were last used.
        """
        return await self._caller.model(
            Call(
                "GET", path_of("/api/v1/oauth/clients/{}", client_id), operation="GET /api/v1/oauth/clients/{client_id}"
            ),
            OAuthClient,
        )

    async def change(
        self,
        client_id: str,
        *,
        grants: Sequence[GrantType] | None = None,
        name: str | None = None,
        redirect_uris: Sequence[str] | None = None,
        scopes: Sequence[str] | None = None,
        tier: Literal["free", "pro", "service"] | None = None,
    ) -> OAuthClient:
        """Change an OAuth client.

        Change what is named. Tokens of the client that are out end when it loses a scope or a grant.
        """
        return await self._caller.model(
            Call(
                "PATCH",
                path_of("/api/v1/oauth/clients/{}", client_id),
                operation="PATCH /api/v1/oauth/clients/{client_id}",
                headers=headers_of("application/json"),
                content=json_of(grants=grants, name=name, redirect_uris=redirect_uris, scopes=scopes, tier=tier),
            ),
            OAuthClient,
        )

    async def delete(self, client_id: str) -> None:
        """Remove an OAuth client.

        Remove a client: its secrets, its tokens and what people allowed it end with it.
        """
        await self._caller.nothing(
            Call(
                "DELETE",
                path_of("/api/v1/oauth/clients/{}", client_id),
                operation="DELETE /api/v1/oauth/clients/{client_id}",
            )
        )

    async def create_secret(self, client_id: str) -> NewSecret:
        """Give an OAuth client another secret.

        Rotate: the new secret is shown once, the one before it goes on to hold, one older than that ends.
        """
        return await self._caller.model(
            Call(
                "POST",
                path_of("/api/v1/oauth/clients/{}/secrets", client_id),
                operation="POST /api/v1/oauth/clients/{client_id}/secrets",
            ),
            NewSecret,
        )

    async def delete_secret(self, client_id: str, secret_id: int) -> None:
        """End a secret of an OAuth client.

        End a secret at once, and the client's own tokens that are out: it may be in wrong hands.
        """
        await self._caller.nothing(
            Call(
                "DELETE",
                path_of("/api/v1/oauth/clients/{}/secrets/{}", client_id, secret_id),
                operation="DELETE /api/v1/oauth/clients/{client_id}/secrets/{secret_id}",
            )
        )
