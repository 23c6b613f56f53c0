"""Calls for avatars. Made of the OpenAPI documents; the methods are named in client_generator/resources.toml."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Literal

from gatehouse_client.asynchronous import AsyncCaller
from gatehouse_client.blocking import Caller
from gatehouse_client.call import Call, Upload, headers_of, path_of, query_of
from gatehouse_client.models.users import AvatarSize, Job
from gatehouse_client.server_events import Event


class Avatars:
    """Calls for avatars."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def upload(
        self, user_id: int, content: Upload, *, content_type: Literal["image/jpeg", "image/png", "image/webp"]
    ) -> Job:
        """Upload one's avatar.

        Take a JPEG, PNG or WebP picture of at most 5 MB. The avatar there is stays until the new one is
        made.
        """
        return self._caller.model(
            Call(
                "PUT",
                path_of("/api/v1/users/{}/avatar", user_id),
                operation="PUT /api/v1/users/{user_id}/avatar",
                headers=headers_of(content_type),
                content=content,
            ),
            Job,
        )

    def get(self, user_id: int, *, size: AvatarSize | None = None) -> bytes:
        """Show an avatar.

        The avatar as WebP, a square of 128, 256 or 512 pixels, for anyone signed in.
        """
        return self._caller.content(
            Call(
                "GET",
                path_of("/api/v1/users/{}/avatar", user_id),
                operation="GET /api/v1/users/{user_id}/avatar",
                query=query_of(size=size),
            )
        )

    def download(self, user_id: int, target: Path | str, *, size: AvatarSize | None = None) -> Path:
        """Show an avatar.

        The avatar as WebP, a square of 128, 256 or 512 pixels, for anyone signed in.

        Written to ``target``, which is there when it is whole.
        """
        return self._caller.download(
            Call(
                "GET",
                path_of("/api/v1/users/{}/avatar", user_id),
                operation="GET /api/v1/users/{user_id}/avatar",
                query=query_of(size=size),
            ),
            target,
        )

    def delete(self, user_id: int) -> None:
        """Remove an avatar.

        Remove one's avatar, one that is being made too; an admin may remove any.
        """
        self._caller.nothing(
            Call(
                "DELETE", path_of("/api/v1/users/{}/avatar", user_id), operation="DELETE /api/v1/users/{user_id}/avatar"
            )
        )

    def job(self, user_id: int) -> Job:
        """See how one's avatar is made.

        The job of the picture that came last.
        """
        return self._caller.model(
            Call(
                "GET",
                path_of("/api/v1/users/{}/avatar/job", user_id),
                operation="GET /api/v1/users/{user_id}/avatar/job",
            ),
            Job,
        )

    def watch(self, user_id: int) -> Iterator[Event]:
        """Watch one's avatar being made.

        A stream of ``progress`` events, ended by ``done`` or ``failed``; ``Last-Event-ID`` resumes it.
        """
        return self._caller.events(
            Call(
                "GET",
                path_of("/api/v1/users/{}/avatar/job/events", user_id),
                operation="GET /api/v1/users/{user_id}/avatar/job/events",
            )
        )


class AsyncAvatars:
    """Calls for avatars."""

    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    async def upload(
        self, user_id: int, content: Upload, *, content_type: Literal["image/jpeg", "image/png", "image/webp"]
    ) -> Job:
        """Upload one's avatar.

        Take a JPEG, PNG or WebP picture of at most 5 MB. The avatar there is stays until the new one is
        made.
        """
        return await self._caller.model(
            Call(
                "PUT",
                path_of("/api/v1/users/{}/avatar", user_id),
                operation="PUT /api/v1/users/{user_id}/avatar",
                headers=headers_of(content_type),
                content=content,
            ),
            Job,
        )

    async def get(self, user_id: int, *, size: AvatarSize | None = None) -> bytes:
        """Show an avatar.

        The avatar as WebP, a square of 128, 256 or 512 pixels, for anyone signed in.
        """
        return await self._caller.content(
            Call(
                "GET",
                path_of("/api/v1/users/{}/avatar", user_id),
                operation="GET /api/v1/users/{user_id}/avatar",
                query=query_of(size=size),
            )
        )

    async def download(self, user_id: int, target: Path | str, *, size: AvatarSize | None = None) -> Path:
        """Show an avatar.

        The avatar as WebP, a square of 128, 256 or 512 pixels, for anyone signed in.

        Written to ``target``, which is there when it is whole.
        """
        return await self._caller.download(
            Call(
                "GET",
                path_of("/api/v1/users/{}/avatar", user_id),
                operation="GET /api/v1/users/{user_id}/avatar",
                query=query_of(size=size),
            ),
            target,
        )

    async def delete(self, user_id: int) -> None:
        """Remove an avatar.

        Remove one's avatar, one that is being made too; an admin may remove any.
        """
        await self._caller.nothing(
            Call(
                "DELETE", path_of("/api/v1/users/{}/avatar", user_id), operation="DELETE /api/v1/users/{user_id}/avatar"
            )
        )

    async def job(self, user_id: int) -> Job:
        """See how one's avatar is made.

        The job of the picture that came last.
        """
        return await self._caller.model(
            Call(
                "GET",
                path_of("/api/v1/users/{}/avatar/job", user_id),
                operation="GET /api/v1/users/{user_id}/avatar/job",
            ),
            Job,
        )

    def watch(self, user_id: int) -> AsyncIterator[Event]:
        """Watch one's avatar being made.

        A stream of ``progress`` events, ended by ``done`` or ``failed``; ``Last-Event-ID`` resumes it.
        """
        return self._caller.events(
            Call(
                "GET",
                path_of("/api/v1/users/{}/avatar/job/events", user_id),
                operation="GET /api/v1/users/{user_id}/avatar/job/events",
            )
        )
