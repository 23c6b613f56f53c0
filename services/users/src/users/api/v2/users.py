"""GET /users/{id} of version 2: the name in parts, and links."""

from fastapi import APIRouter, Request, Response

from shared.web import NOT_MODIFIED, EntityId, Transaction, etag, problem_responses, unless_known
from users import accounts
from users.api.dependencies import Reader
from users.api.v2.schemas import UserDocumentV2

single_router = APIRouter(prefix="/users", tags=["users"])


@single_router.get(
    "/{user_id}",
    summary="Show a user",
    response_model=UserDocumentV2,
    response_model_exclude_none=True,
    responses={**problem_responses(401, 403, 404), **NOT_MODIFIED},
)
async def show_user(
    user_id: EntityId, caller: Reader, connection: Transaction, request: Request, response: Response
) -> UserDocumentV2 | Response:
    """One's own account, or any for an admin."""
    caller.check_may_see(user_id)
    user = await accounts.show(connection, user_id)
    return unless_known(request, response, etag(user.version), UserDocumentV2.of(user))
