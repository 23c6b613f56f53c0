"""Calls for oauth. Made of the OpenAPI documents; the methods are named in client_generator/resources.toml."""

from gatehouse_client.asynchronous import AsyncCaller
from gatehouse_client.blocking import Caller
from gatehouse_client.call import Call, headers_of
from gatehouse_client.form import form_of
from gatehouse_client.models.users import Introspection, KeySet, ServerMetadata, TokenAnswer


class Oauth:
    """Calls for oauth."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def token(
        self,
        *,
        grant_type: str,
        client_id: str | None = None,
        client_secret: str | None = None,
        code: str | None = None,
        code_verifier: str | None = None,
        redirect_uri: str | None = None,
        refresh_token: str | None = None,
        scope: str | None = None,
    ) -> TokenAnswer:
        """Ask for a token.

        Give an authenticated client a token by one of its grants; never for a person's password.
        """
        return self._caller.model(
            Call(
                "POST",
                "/api/v1/oauth/token",
                operation="POST /api/v1/oauth/token",
                headers=headers_of("application/x-www-form-urlencoded"),
                content=form_of(
                    client_id=client_id,
                    client_secret=client_secret,
                    code=code,
                    code_verifier=code_verifier,
                    grant_type=grant_type,
                    redirect_uri=redirect_uri,
                    refresh_token=refresh_token,
                    scope=scope,
                ),
                signed=False,
            ),
            TokenAnswer,
        )

    def revoke(
        self,
        *,
        token: str,
        client_id: str | None = None,
        client_secret: str | None = None,
        token_type_hint: str | None = None,
    ) -> None:
        """End a token.

        End an access or refresh token of the client's own; a token that is not known, or has ended, is no
        error.
        """
        self._caller.nothing(
            Call(
                "POST",
                "/api/v1/oauth/revoke",
                operation="POST /api/v1/oauth/revoke",
                headers=headers_of("application/x-www-form-urlencoded"),
                content=form_of(
                    client_id=client_id, client_secret=client_secret, token=token, token_type_hint=token_type_hint
                ),
                signed=False,
            )
        )

    def introspect(
        self,
        *,
        token: str,
        client_id: str | None = None,
        client_secret: str | None = None,
        token_type_hint: str | None = None,
    ) -> Introspection:
        """Ask what a token is.

        Say what an access token, or a client's refresh token, is: to a client with the scope
        `tokens:introspect`.

        It knows at once of what has ended: sessions, users, clients, tokens.
        """
        return self._caller.model(
            Call(
                "POST",
                "/api/v1/oauth/introspect",
                operation="POST /api/v1/oauth/introspect",
                headers=headers_of("application/x-www-form-urlencoded"),
                content=form_of(
                    client_id=client_id, client_secret=client_secret, token=token, token_type_hint=token_type_hint
                ),
                signed=False,
            ),
            Introspection,
        )

    def keys(self) -> KeySet:
        """The keys of our tokens.

        The public keys that access tokens are verified with: that of today, the one to come, those that
        were.
        """
        return self._caller.model(Call("GET", "/.well-known/jwks.json", operation="GET /.well-known/jwks.json"), KeySet)

    def metadata(self) -> ServerMetadata:
        """What the authorization server offers.

        The endpoints and ways of the authorization server.
        """
        return self._caller.model(
            Call(
                "GET",
                "/.well-known/oauth-authorization-server",
                operation="GET /.well-known/oauth-authorization-server",
            ),
            ServerMetadata,
        )


class AsyncOauth:
    """Calls for oauth."""

    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    async def token(
        self,
        *,
        grant_type: str,
        client_id: str | None = None,
        client_secret: str | None = None,
        code: str | None = None,
        code_verifier: str | None = None,
        redirect_uri: str | None = None,
        refresh_token: str | None = None,
        scope: str | None = None,
    ) -> TokenAnswer:
        """Ask for a token.

        Give an authenticated client a token by one of its grants; never for a person's password.
        """
        return await self._caller.model(
            Call(
                "POST",
                "/api/v1/oauth/token",
                operation="POST /api/v1/oauth/token",
                headers=headers_of("application/x-www-form-urlencoded"),
                content=form_of(
                    client_id=client_id,
                    client_secret=client_secret,
                    code=code,
                    code_verifier=code_verifier,
                    grant_type=grant_type,
                    redirect_uri=redirect_uri,
                    refresh_token=refresh_token,
                    scope=scope,
                ),
                signed=False,
            ),
            TokenAnswer,
        )

    async def revoke(
        self,
        *,
        token: str,
        client_id: str | None = None,
        client_secret: str | None = None,
        token_type_hint: str | None = None,
    ) -> None:
        """End a token.

        End an access or refresh token of the client's own; a token that is not known, or has ended, is no
        error.
        """
        await self._caller.nothing(
            Call(
                "POST",
                "/api/v1/oauth/revoke",
                operation="POST /api/v1/oauth/revoke",
                headers=headers_of("application/x-www-form-urlencoded"),
                content=form_of(
                    client_id=client_id, client_secret=client_secret, token=token, token_type_hint=token_type_hint
                ),
                signed=False,
            )
        )

    async def introspect(
        self,
        *,
        token: str,
        client_id: str | None = None,
        client_secret: str | None = None,
        token_type_hint: str | None = None,
    ) -> Introspection:
        """Ask what a token is.

        Say what an access token, or a client's refresh token, is: to a client with the scope
        `tokens:introspect`.

        It knows at once of what has ended: sessions, users, clients, tokens.
        """
        return await self._caller.model(
            Call(
                "POST",
                "/api/v1/oauth/introspect",
                operation="POST /api/v1/oauth/introspect",
                headers=headers_of("application/x-www-form-urlencoded"),
                content=form_of(
                    client_id=client_id, client_secret=client_secret, token=token, token_type_hint=token_type_hint
                ),
                signed=False,
            ),
            Introspection,
        )

    async def keys(self) -> KeySet:
        """The keys of our tokens.

        The public keys that access tokens are verified with: that of today, the one to come, those that
        were.
        """
        return await self._caller.model(
            Call("GET", "/.well-known/jwks.json", operation="GET /.well-known/jwks.json"), KeySet
        )

    async def metadata(self) -> ServerMetadata:
        """What the authorization server offers.

        The endpoints and ways of the authorization server.
        """
        return await self._caller.model(
            Call(
                "GET",
                "/.well-known/oauth-authorization-server",
                operation="GET /.well-known/oauth-authorization-server",
            ),
            ServerMetadata,
        )
