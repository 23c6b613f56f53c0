"""/users/me/api-keys: keys for one's programs."""

from fastapi import APIRouter, Request, Response

from shared.postgres import Connection
from shared.problems import FieldError, UnprocessableContent
from shared.web import EntityId, Page, Paging, Transaction, problem_responses
from users import api_keys
from users.api.dependencies import Caller, CallingClient, Reader, SignedInHere, Writer
from users.api.v1.schemas import ApiKeyBody, ApiKeyDocument, NewApiKeyDocument
from users.domain.audit import AuditAction
from users.domain.scopes import ADMIN_SCOPE
from users.domain.sessions import ApiKeyNotFound, Client
from users.store import api_keys as store
from users.store import audit

router = APIRouter(prefix="/users/me/api-keys", tags=["api keys"])


def _granted(body: ApiKeyBody, caller: Caller) -> list[str]:
    if body.scopes is None:
        return sorted(caller.scopes - {ADMIN_SCOPE})
    beyond = sorted(set(body.scopes) - caller.scopes)
    if beyond or not body.scopes:
        wrong = FieldError(field="scopes", message="A key has one scope at least, and none that its owner lacks.")
        raise UnprocessableContent("validation_error", "The input breaks a rule.", errors=[wrong])
    return sorted(set(body.scopes))


@router.post(
    "",
    status_code=201,
    summary="Make an API key",
    responses=problem_responses(401, 403, 409),
)
async def create_api_key(
    body: ApiKeyBody,
    caller: SignedInHere,
    connection: Transaction,
    client: CallingClient,
    *,
    request: Request,
    response: Response,
) -> NewApiKeyDocument:
    """Make a key. It is shown in this answer only; kept is its SHA-256."""
    new = await api_keys.create(connection, caller.user.id, body.name, _granted(body, caller), body.expires_at)
    await _put_on_record(connection, AuditAction.API_KEY_MADE, caller, client)
    response.headers["Location"] = f"{request.url.path}/{new.key.id}"
    response.headers["Cache-Control"] = "no-store"
    return NewApiKeyDocument(**ApiKeyDocument.of(new.key).model_dump(), key=new.text)


@router.get("", summary="List one's API keys", responses=problem_responses(401, 403))
async def list_api_keys(caller: Reader, connection: Transaction, paging: Paging) -> Page[ApiKeyDocument]:
    """A page of the caller's keys, the newest first."""
    found, total = await store.page(connection, caller.user.id, paging.page_size, paging.offset)
    return Page.of([ApiKeyDocument.of(key) for key in found], total, paging)


@router.get("/{key_id}", summary="Show an API key", responses=problem_responses(401, 403, 404))
async def show_api_key(key_id: EntityId, caller: Reader, connection: Transaction) -> ApiKeyDocument:
    """One of the caller's keys."""
    key = await store.find(connection, caller.user.id, key_id)
    if key is None:
        raise ApiKeyNotFound
    return ApiKeyDocument.of(key)


@router.delete("/{key_id}", status_code=204, summary="Revoke an API key", responses=problem_responses(401, 403, 404))
async def revoke_api_key(key_id: EntityId, caller: Writer, connection: Transaction, client: CallingClient) -> None:
    """End a key: no more tokens are given for it; the gateway notices within five seconds."""
    caller.check_no_application()
    if not await store.delete(connection, caller.user.id, key_id):
        raise ApiKeyNotFound
    await _put_on_record(connection, AuditAction.API_KEY_DELETED, caller, client)


async def _put_on_record(connection: Connection, action: AuditAction, caller: Caller, client: Client) -> None:
    await audit.insert(connection, action, actor_id=caller.user.id, subject_id=caller.user.id, client=client)
