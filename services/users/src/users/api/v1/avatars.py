"""/users/{id}/avatar: uploaded by its owner, watched while it is made, shown to anyone signed in."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse

from shared.problems import Problem
from shared.web import (
    NOT_MODIFIED,
    EntityId,
    Transaction,
    etag,
    get_resources,
    not_modified,
    problem_responses,
)
from shared.web.jobs import EVENT_RESPONSES, JobOut, job_events
from users import avatars
from users.api.dependencies import Own, PrincipalThatWrites, Reader, Writer, find_caller
from users.domain.account import UserNotFound
from users.domain.avatars import MEDIA_TYPES, MOST_BYTES, AvatarNotFound, AvatarSize, NoPicture, PictureTooBig

router = APIRouter(prefix="/users", tags=["avatars"])

_PICTURE: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_FRESH = {"Cache-Control": "private, no-cache"}
_HARMLESS = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox"}


@router.put(
    "/{user_id}/avatar",
    status_code=202,
    summary="Upload one's avatar",
    responses=problem_responses(401, 403, 404, 413, 415),
    openapi_extra={"requestBody": {"required": True, "content": dict.fromkeys(MEDIA_TYPES, _PICTURE)}},
)
async def upload_avatar(
    user_id: EntityId, principal: PrincipalThatWrites, own: Own, request: Request, response: Response
) -> JobOut:
    """Take a JPEG, PNG or WebP picture of at most 5 MB. The avatar there is stays until the new one is made."""
    # No connection is held while the picture comes in, as slowly as its sender likes.
    database = get_resources(request).database
    async with database.acquire() as connection:
        caller = await find_caller(connection, principal)
    if caller.user.id != user_id:
        raise UserNotFound
    _check_headers(request)
    upload_id = await avatars.receive(own.avatars, request.stream())
    try:
        async with database.transaction() as connection:
            job = await avatars.put(connection, user_id, upload_id)
    except Problem:
        # After anything else it may be committed, and the worker needs the picture; else it is cleaned up in hours.
        own.avatars.remove_upload(upload_id)
        raise
    response.headers["Location"] = f"{request.url.path}/job"
    return JobOut.of(job)


def _check_headers(request: Request) -> None:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in MEDIA_TYPES or "content-encoding" in request.headers:
        raise NoPicture
    length = request.headers.get("content-length", "0")
    if length.isdecimal() and int(length) > MOST_BYTES:
        raise PictureTooBig


@router.get("/{user_id}/avatar/job", summary="See how one's avatar is made", responses=problem_responses(401, 403, 404))
async def show_avatar_job(user_id: EntityId, caller: Reader, connection: Transaction) -> JobOut:
    """The job of the picture that came last."""
    caller.check_may_see(user_id)
    return JobOut.of(await avatars.job_of(connection, user_id))


@router.get(
    "/{user_id}/avatar/job/events",
    response_class=StreamingResponse,
    summary="Watch one's avatar being made",
    responses=EVENT_RESPONSES,
)
async def watch_avatar_job(
    user_id: EntityId,
    caller: Reader,
    connection: Transaction,
    request: Request,
    last_event_id: Annotated[str | None, Header()] = None,
) -> StreamingResponse:
    """A stream of ``progress`` events, ended by ``done`` or ``failed``; ``Last-Event-ID`` resumes it."""
    caller.check_may_see(user_id)
    job = await avatars.job_of(connection, user_id)
    return job_events(get_resources(request), job.id, last_event_id)


@router.get(
    "/{user_id}/avatar",
    response_class=Response,
    summary="Show an avatar",
    responses={
        200: {"description": "The picture.", "content": {"image/webp": _PICTURE}},
        **problem_responses(401, 403, 404),
        **NOT_MODIFIED,
    },
)
async def show_avatar(
    user_id: EntityId,
    _caller: Reader,
    own: Own,
    request: Request,
    size: Annotated[AvatarSize, Query(description="Pixels of a side.")] = AvatarSize.MEDIUM,
) -> Response:
    """The avatar as WebP, a square of 128, 256 or 512 pixels, for anyone signed in."""
    made_id, content = await avatars.read(get_resources(request).database, own.avatars, user_id, size)
    tag = etag(f"{made_id.hex}-{size.value}")
    unchanged = not_modified(request, tag, _FRESH)
    if unchanged is not None:
        return unchanged
    return Response(content, media_type="image/webp", headers={"ETag": tag, **_FRESH, **_HARMLESS})


@router.delete(
    "/{user_id}/avatar", status_code=204, summary="Remove an avatar", responses=problem_responses(401, 403, 404)
)
async def remove_avatar(user_id: EntityId, caller: Writer, connection: Transaction) -> None:
    """Remove one's avatar, one that is being made too; an admin may remove any."""
    caller.check_may_see(user_id)
    if not await avatars.remove(connection, user_id):
        raise AvatarNotFound
