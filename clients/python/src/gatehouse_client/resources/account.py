"""Calls for account. Made of the OpenAPI documents; the methods are named in client_generator/resources.toml."""

from gatehouse_client.asynchronous import AsyncCaller, AsyncPages
from gatehouse_client.blocking import Caller, Pages
from gatehouse_client.call import Call, headers_of, json_of, query_of
from gatehouse_client.model import Page
from gatehouse_client.models.users import AuditAction, SecurityEvent


class Account:
    """Calls for account."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def change_password(self, *, current_password: str, new_password: str, code: str | None = None) -> None:
        """Change one's password.

        Change the password. This login goes on, all others end; a mail tells the owner.
        """
        self._caller.nothing(
            Call(
                "PUT",
                "/api/v1/users/me/password",
                operation="PUT /api/v1/users/me/password",
                headers=headers_of("application/json"),
                content=json_of(code=code, current_password=current_password, new_password=new_password),
            )
        )

    def security_events(
        self, *, action: AuditAction | None = None, page: int | None = None, page_size: int | None = None
    ) -> Pages[SecurityEvent]:
        """List what happened to one's account.

        A page of what was put on record about the caller's own account, the newest first.
        """
        return self._caller.pages(
            Call(
                "GET",
                "/api/v1/users/me/security-events",
                operation="GET /api/v1/users/me/security-events",
                query=query_of(action=action, page=page, page_size=page_size),
            ),
            Page[SecurityEvent],
        )


class AsyncAccount:
    """Calls for account."""

    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    async def change_password(self, *, current_password: str, new_password: str, code: str | None = None) -> None:
        """Change one's password.

        Change the password. This login goes on, all others end; a mail tells the owner.
        """
        await self._caller.nothing(
            Call(
                "PUT",
                "/api/v1/users/me/password",
                operation="PUT /api/v1/users/me/password",
                headers=headers_of("application/json"),
                content=json_of(code=code, current_password=current_password, new_password=new_password),
            )
        )

    def security_events(
        self, *, action: AuditAction | None = None, page: int | None = None, page_size: int | None = None
    ) -> AsyncPages[SecurityEvent]:
        """List what happened to one's account.

        A page of what was put on record about the caller's own account, the newest first.
        """
        return self._caller.pages(
            Call(
                "GET",
                "/api/v1/users/me/security-events",
                operation="GET /api/v1/users/me/security-events",
                query=query_of(action=action, page=page, page_size=page_size),
            ),
            Page[SecurityEvent],
        )
