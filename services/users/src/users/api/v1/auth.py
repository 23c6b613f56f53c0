"""/auth: login, refresh, logout."""

from typing import Annotated

from fastapi import APIRouter, Body, Request, Response
from fastapi.security import SecurityScopes

from shared.identity import Principal, signed_in
from shared.problems import Unauthorized
from shared.web import Transaction, get_resources, problem_responses
from users import signing_in
from users.api.dependencies import CallingClient, Own
from users.api.device_cookie import give_device
from users.api.v1.schemas import LoginBody, RefreshBody, TokenDocument

router = APIRouter(prefix="/auth", tags=["auth"])

_NO_STORE = {"Cache-Control": "no-store"}  # RFC 6749 section 5.1


@router.post("/login", summary="Log in", responses=problem_responses(401, 429))
async def log_in(
    body: LoginBody, own: Own, client: CallingClient, request: Request, response: Response
) -> TokenDocument:
    """Begin a session. An unknown address and a wrong password are answered alike, in the same time.

    An account with a second factor needs its `code`, or a recovery code; without one the answer is 401
    `second_factor_required`.
    """
    database = get_resources(request).database
    code = body.code.get_secret_value() if body.code is not None else None
    pair = await signing_in.log_in(
        database, own, body.email, body.password.get_secret_value(), code=code, client=client
    )
    response.headers.update(_NO_STORE)
    give_device(response, pair.device, own.settings.tokens.issuer)
    return TokenDocument.of(pair)


@router.post("/refresh", summary="Refresh the tokens", responses=problem_responses(401))
async def refresh(
    body: RefreshBody, own: Own, client: CallingClient, request: Request, response: Response
) -> TokenDocument:
    """Spend a refresh token for a new pair. One that is used twice ends its whole session."""
    pair = await signing_in.refresh(get_resources(request).database, own, body.refresh_token, client=client)
    response.headers.update(_NO_STORE)
    return TokenDocument.of(pair)


async def _bearer(request: Request) -> Principal | None:
    if "authorization" not in request.headers:
        return None
    return await signed_in(request, SecurityScopes())


@router.post("/logout", status_code=204, summary="Log out", responses=problem_responses(401))
async def log_out(
    request: Request,
    connection: Transaction,
    client: CallingClient,
    body: Annotated[RefreshBody | None, Body()] = None,
) -> None:
    """End the session that the refresh token in the body, or the access token, belongs to."""
    try:
        principal = await _bearer(request)
    except Unauthorized:
        if body is None:
            raise
        principal = None  # an access token that has expired must not keep anyone from logging out
    if principal is None and body is None:
        raise Unauthorized("unauthorized", "Send a refresh token, or sign in first.")
    # A client's own token has a session that is no login.
    session = (principal.session if principal else None) or ""
    await signing_in.log_out(
        connection,
        refresh_token=body.refresh_token if body else None,
        user_id=principal.user_id if principal else None,
        client=client,
        session_id=int(session) if session.isdecimal() else None,
    )
