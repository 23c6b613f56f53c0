"""Calls for sessions. Made of the OpenAPI documents; the methods are named in client_generator/resources.toml."""

from gatehouse_client.asynchronous import AsyncCaller, AsyncPages
from gatehouse_client.blocking import Caller, Pages
from gatehouse_client.call import Call, path_of, query_of
from gatehouse_client.model import Page
from gatehouse_client.models.users import Session


class Sessions:
    """Calls for sessions."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def list(self, *, page: int | None = None, page_size: int | None = None) -> Pages[Session]:
        """List one's sessions.

        A page of the caller's living sessions, the newest first.
        """
        return self._caller.pages(
            Call(
                "GET",
                "/api/v1/users/me/sessions",
                operation="GET /api/v1/users/me/sessions",
                query=query_of(page=page, page_size=page_size),
            ),
            Page[Session],
        )

    def get(self, session_id: int) -> Session:
        """Show a session.

        One of the caller's living sessions.
        """
        return self._caller.model(
            Call(
                "GET",
                path_of("/api/v1/users/me/sessions/{}", session_id),
                operation="GET /api/v1/users/me/sessions/{session_id}",
            ),
            Session,
        )

    def end(self, session_id: int) -> None:
        """End a session.

        Log out one device.
        """
        self._caller.nothing(
            Call(
                "DELETE",
                path_of("/api/v1/users/me/sessions/{}", session_id),
                operation="DELETE /api/v1/users/me/sessions/{session_id}",
            )
        )

    def end_all(self) -> None:
        """End all one's sessions.

        Log out everywhere, here too.
        """
        self._caller.nothing(Call("DELETE", "/api/v1/users/me/sessions", operation="DELETE /api/v1/users/me/sessions"))


class AsyncSessions:
    """Calls for sessions."""

    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    def list(self, *, page: int | None = None, page_size: int | None = None) -> AsyncPages[Session]:
        """List one's sessions.

        A page of the caller's living sessions, the newest first.
        """
        return self._caller.pages(
            Call(
                "GET",
                "/api/v1/users/me/sessions",
                operation="GET /api/v1/users/me/sessions",
                query=query_of(page=page, page_size=page_size),
            ),
            Page[Session],
        )

    async def get(self, session_id: int) -> Session:
        """Show a session.

        One of the caller's living sessions.
        """
        return await self._caller.model(
            Call(
                "GET",
                path_of("/api/v1/users/me/sessions/{}", session_id),
                operation="GET /api/v1/users/me/sessions/{session_id}",
            ),
            Session,
        )

    async def end(self, session_id: int) -> None:
        """End a session.

        Log out one device.
        """
        await self._caller.nothing(
            Call(
                "DELETE",
                path_of("/api/v1/users/me/sessions/{}", session_id),
                operation="DELETE /api/v1/users/me/sessions/{session_id}",
            )
        )

    async def end_all(self) -> None:
        """End all one's sessions.

        Log out everywhere, here too.
        """
        await self._caller.nothing(
            Call("DELETE", "/api/v1/users/me/sessions", operation="DELETE /api/v1/users/me/sessions")
        )
