"""/users/me/sessions: where one is logged in, and how to end it."""

from fastapi import APIRouter

from shared.web import EntityId, Page, Paging, Transaction, problem_responses
from users import signing_in
from users.api.dependencies import CallingClient, Reader, Writer
from users.api.v1.schemas import SessionDocument
from users.domain.sessions import SessionNotFound
from users.store import sessions as store

router = APIRouter(prefix="/users/me/sessions", tags=["sessions"])


@router.get("", summary="List one's sessions", responses=problem_responses(401, 403))
async def list_sessions(caller: Reader, connection: Transaction, paging: Paging) -> Page[SessionDocument]:
    """A page of the caller's living sessions, the newest first."""
    found, total = await store.page(connection, caller.user.id, paging.page_size, paging.offset)
    return Page.of([SessionDocument.of(session, caller.session_id) for session in found], total, paging)


@router.get("/{session_id}", summary="Show a session", responses=problem_responses(401, 403, 404))
async def show_session(session_id: EntityId, caller: Reader, connection: Transaction) -> SessionDocument:
    """One of the caller's living sessions."""
    session = await store.find(connection, caller.user.id, session_id)
    if session is None:
        raise SessionNotFound
    return SessionDocument.of(session, caller.session_id)


@router.delete("", status_code=204, summary="End all one's sessions", responses=problem_responses(401, 403))
async def end_sessions(caller: Writer, connection: Transaction, client: CallingClient) -> None:
    """Log out everywhere, here too."""
    await signing_in.end_sessions(connection, caller.user.id, None, client)


@router.delete("/{session_id}", status_code=204, summary="End a session", responses=problem_responses(401, 403, 404))
async def end_session(session_id: EntityId, caller: Writer, connection: Transaction, client: CallingClient) -> None:
    """Log out one device."""
    if not await signing_in.end_sessions(connection, caller.user.id, session_id, client):
        raise SessionNotFound
