"""A service as small as one can be, made of all that shared's web half gives, and clients of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Annotated

import httpx
import pytest
import pytest_asyncio
from fastapi import APIRouter, FastAPI, Request, Response, Security
from fastapi.responses import StreamingResponse
from pydantic import Field

from shared.identity import Admin, Principal, SignedIn, signed_in
from shared.identity.jwks import KeySource
from shared.problems import NotFound
from shared.settings import ServiceSettings
from shared.testing.serving import running
from shared.testing.tokens import Signer
from shared.web import (
    Answer,
    EntityId,
    Idempotency,
    Page,
    Paging,
    RequestBody,
    Transaction,
    check_if_match,
    create_app,
    etag,
    not_modified,
)
from shared.web.deadline import seconds_left

router = APIRouter()


class Note(RequestBody):
    text: str


class Label(RequestBody):
    label: Annotated[str, Field(max_length=9)] | bool


@router.post("/labels", status_code=201)
async def write_label(body: Label) -> str | bool:
    return body.label


@router.post("/notes", status_code=201)
async def write_note(body: Note, _who: SignedIn, connection: Transaction, idempotency: Idempotency) -> Response:
    async def write() -> Answer:
        note_id = await connection.fetchval("INSERT INTO notes (text) VALUES ($1) RETURNING id", body.text)
        return Answer(201, {"id": note_id}, {"Location": f"/notes/{note_id}"})

    return await idempotency.run(connection, write)


@router.get("/notes")
async def list_notes(connection: Transaction, page: Paging) -> Page[str]:
    rows = await connection.fetch("SELECT text FROM notes ORDER BY id LIMIT $1 OFFSET $2", page.page_size, page.offset)
    total: int = await connection.fetchval("SELECT count(*) FROM notes")
    return Page.of([row["text"] for row in rows], total, page)


@router.get("/notes/{note_id}", response_model=str)
async def read_note(note_id: EntityId, request: Request, response: Response, connection: Transaction) -> str | Response:
    text: str | None = await connection.fetchval("SELECT text FROM notes WHERE id = $1", note_id)
    if text is None:
        raise NotFound("note_not_found", "No such note.")
    if (unchanged := not_modified(request, etag(1))) is not None:
        return unchanged
    response.headers["ETag"] = etag(1)
    return text


@router.put("/notes/{note_id}")
async def replace_note(note_id: EntityId, body: Note, request: Request, connection: Transaction) -> str:
    check_if_match(request, etag(1))
    await connection.execute("UPDATE notes SET text = $2 WHERE id = $1", note_id, body.text)
    return body.text


@router.post("/notes/broken", status_code=201)
async def write_and_fail(connection: Transaction) -> None:
    await connection.execute("INSERT INTO notes (text) VALUES ('half done')")
    raise RuntimeError("secret-looking detail: password=hunter2")


@router.get("/slow")
async def slow(connection: Transaction) -> None:
    await connection.execute("SELECT pg_sleep(600) /* slow note */")


@router.post("/notes/slow", status_code=201)
async def write_slowly(body: Note, connection: Transaction) -> str:
    await connection.execute("INSERT INTO notes (text) VALUES ($1)", body.text)
    await connection.execute("SELECT pg_sleep(600) /* slow write */")
    return body.text


@router.get("/begins")
async def begins(request: Request) -> StreamingResponse:
    async def pieces() -> AsyncIterator[str]:
        yield "begun "
        # Beyond the time that the caller waits for the beginning.
        await asyncio.sleep((seconds_left(request.scope) or 0.0) + 0.2)
        yield "and finished"

    return StreamingResponse(pieces())


@router.get("/own-timeout")
async def own_timeout() -> None:
    raise TimeoutError


@router.get("/admin")
async def admin(_who: Admin) -> str:
    return "admin"


@router.get("/scoped")
async def scoped(who: Annotated[Principal, Security(signed_in, scopes=["reports:read"])]) -> str:
    return who.subject


def create_sample(settings: ServiceSettings, keys: KeySource | None = None) -> FastAPI:
    return create_app(
        "sample",
        settings,
        version="1.0.0",
        migrations=[Path(__file__).parent / "sample"],
        routers=[router],
        keys=keys,
    )


SampleMaker = Callable[..., FastAPI]


@pytest.fixture(scope="session")
def sample_maker() -> SampleMaker:
    return create_sample


@pytest_asyncio.fixture(scope="session")
async def sample_settings(service_settings: Callable[[str], Awaitable[ServiceSettings]]) -> ServiceSettings:
    settings = await service_settings("sample")
    # What the tests see ended shall not have ended by itself.
    postgres = settings.postgres.model_copy(update={"statement_seconds": 600.0})
    return settings.model_copy(update={"postgres": postgres})


@pytest_asyncio.fixture(scope="session")
async def sample(sample_settings: ServiceSettings, signer: Signer) -> AsyncIterator[httpx.AsyncClient]:
    async with running(create_sample(sample_settings, signer)) as client:
        yield client
