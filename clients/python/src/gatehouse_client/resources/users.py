"""Calls for users. Made of the OpenAPI documents; the methods are named in client_generator/resources.toml."""

from gatehouse_client.asynchronous import AsyncCaller, AsyncPages
from gatehouse_client.blocking import Caller, Pages
from gatehouse_client.call import Call, Match, headers_of, json_of, path_of, query_of
from gatehouse_client.model import Page
from gatehouse_client.models.orders import Order
from gatehouse_client.models.users import Role, User, UserV2


class Users:
    """Calls for users."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def register(self, *, email: str, name: str, password: str) -> User:
        """Register.

        Make an account. For an address that has one none is made, the answer is the same, and its owner
        gets a mail.
        """
        return self._caller.model(
            Call(
                "POST",
                "/api/v1/users",
                operation="POST /api/v1/users",
                headers=headers_of("application/json"),
                content=json_of(email=email, name=name, password=password),
                signed=False,
            ),
            User,
        )

    def list(self, *, role: Role | None = None, page: int | None = None, page_size: int | None = None) -> Pages[User]:
        """List users.

        A page of all accounts, for an admin, with one role or any.
        """
        return self._caller.pages(
            Call(
                "GET",
                "/api/v1/users",
                operation="GET /api/v1/users",
                query=query_of(role=role, page=page, page_size=page_size),
            ),
            Page[User],
        )

    def me(self) -> User:
        """Show the caller's own account.

        The account that the token stands for.
        """
        return self._caller.model(Call("GET", "/api/v1/users/me", operation="GET /api/v1/users/me"), User)

    def get(self, user_id: int) -> UserV2:
        """Show a user.

        One's own account, or any for an admin.
        """
        return self._caller.model(
            Call("GET", path_of("/api/v2/users/{}", user_id), operation="GET /api/v2/users/{user_id}"), UserV2
        )

    def replace(
        self, user_id: int, *, email: str, name: str, role: Role | None = None, if_match: Match | None = None
    ) -> User:
        """Replace a user.

        Give an account another name and address; a role by an admin only.

        One's own address is mailed a link first, and is `pending_email` until it is confirmed.
        """
        return self._caller.model(
            Call(
                "PUT",
                path_of("/api/v1/users/{}", user_id),
                operation="PUT /api/v1/users/{user_id}",
                headers=headers_of("application/json", if_match=if_match),
                content=json_of(email=email, name=name, role=role),
            ),
            User,
        )

    def change(
        self,
        user_id: int,
        *,
        disabled: bool | None = None,
        email: str | None = None,
        name: str | None = None,
        role: Role | None = None,
        if_match: Match | None = None,
    ) -> User:
        """Change a user.

        Change what is named and leave the rest; a role, and whether it is disabled, by an admin only.

        One's own address is mailed a link first, and is `pending_email` until it is confirmed.
        """
        return self._caller.model(
            Call(
                "PATCH",
                path_of("/api/v1/users/{}", user_id),
                operation="PATCH /api/v1/users/{user_id}",
                headers=headers_of("application/json", if_match=if_match),
                content=json_of(disabled=disabled, email=email, name=name, role=role),
            ),
            User,
        )

    def delete(self, user_id: int, *, if_match: Match | None = None) -> None:
        """Delete a user.

        Delete an account with its sessions and API keys. The last admin stays (409 `last_admin`).
        """
        self._caller.nothing(
            Call(
                "DELETE",
                path_of("/api/v1/users/{}", user_id),
                operation="DELETE /api/v1/users/{user_id}",
                headers=headers_of(if_match=if_match),
            )
        )

    def orders(self, user_id: int, *, page: int | None = None, page_size: int | None = None) -> Pages[Order]:
        """List the orders of a user."""
        return self._caller.pages(
            Call(
                "GET",
                path_of("/api/v1/users/{}/orders", user_id),
                operation="GET /api/v1/users/{user_id}/orders",
                query=query_of(page=page, page_size=page_size),
            ),
            Page[Order],
        )


class AsyncUsers:
    """Calls for users."""

    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    async def register(self, *, email: str, name: str, password: str) -> User:
        """Register.

        Make an account. For an address that has one none is made, the answer is the same, and its owner
        gets a mail.
        """
        return await self._caller.model(
            Call(
                "POST",
                "/api/v1/users",
                operation="POST /api/v1/users",
                headers=headers_of("application/json"),
                content=json_of(email=email, name=name, password=password),
                signed=False,
            ),
            User,
        )

    def list(
        self, *, role: Role | None = None, page: int | None = None, page_size: int | None = None
    ) -> AsyncPages[User]:
        """List users.

        A page of all accounts, for an admin, with one role or any.
        """
        return self._caller.pages(
            Call(
                "GET",
                "/api/v1/users",
                operation="GET /api/v1/users",
                query=query_of(role=role, page=page, page_size=page_size),
            ),
            Page[User],
        )

    async def me(self) -> User:
        """Show the caller's own account.

        The account that the token stands for.
        """
        return await self._caller.model(Call("GET", "/api/v1/users/me", operation="GET /api/v1/users/me"), User)

    async def get(self, user_id: int) -> UserV2:
        """Show a user.

        One's own account, or any for an admin.
        """
        return await self._caller.model(
            Call("GET", path_of("/api/v2/users/{}", user_id), operation="GET /api/v2/users/{user_id}"), UserV2
        )

    async def replace(
        self, user_id: int, *, email: str, name: str, role: Role | None = None, if_match: Match | None = None
    ) -> User:
        """Replace a user.

        Give an account another name and address; a role by an admin only.

        One's own address is mailed a link first, and is `pending_email` until it is confirmed.
        """
        return await self._caller.model(
            Call(
                "PUT",
                path_of("/api/v1/users/{}", user_id),
                operation="PUT /api/v1/users/{user_id}",
                headers=headers_of("application/json", if_match=if_match),
                content=json_of(email=email, name=name, role=role),
            ),
            User,
        )

    async def change(
        self,
        user_id: int,
        *,
        disabled: bool | None = None,
        email: str | None = None,
        name: str | None = None,
        role: Role | None = None,
        if_match: Match | None = None,
    ) -> User:
        """Change a user.

        Change what is named and leave the rest; a role, and whether it is disabled, by an admin only.

        One's own address is mailed a link first, and is `pending_email` until it is confirmed.
        """
        return await self._caller.model(
            Call(
                "PATCH",
                path_of("/api/v1/users/{}", user_id),
                operation="PATCH /api/v1/users/{user_id}",
                headers=headers_of("application/json", if_match=if_match),
                content=json_of(disabled=disabled, email=email, name=name, role=role),
            ),
            User,
        )

    async def delete(self, user_id: int, *, if_match: Match | None = None) -> None:
        """Delete a user.

        Delete an account with its sessions and API keys. The last admin stays (409 `last_admin`).
        """
        await self._caller.nothing(
            Call(
                "DELETE",
                path_of("/api/v1/users/{}", user_id),
                operation="DELETE /api/v1/users/{user_id}",
                headers=headers_of(if_match=if_match),
            )
        )

    def orders(self, user_id: int, *, page: int | None = None, page_size: int | None = None) -> AsyncPages[Order]:
        """List the orders of a user."""
        return self._caller.pages(
            Call(
                "GET",
                path_of("/api/v1/users/{}/orders", user_id),
                operation="GET /api/v1/users/{user_id}/orders",
                query=query_of(page=page, page_size=page_size),
            ),
            Page[Order],
        )
