"""``grant_type=authorization_code``: tokens for a code and its proof (RFC 6749 section 4.1.3, RFC 7636 section 4.5)."""

import hmac

import structlog

from shared.postgres import Connection
from users import signing_in
from users.domain.audit import AuditAction
from users.domain.credentials import digest, new_refresh_token
from users.domain.oauth_clients import GrantType
from users.domain.pkce import proves
from users.oauth.errors import OAuthError, invalid_request
from users.oauth.grants.grant import GrantRequest, TokenAnswer
from users.store import audit, authorizations, oauth_codes, sessions, users
from users.store.audit import Attempts
from users.store.oauth_codes import Code

log = structlog.stdlib.get_logger(__name__)


async def authorization_code(request: GrantRequest) -> TokenAnswer:
    """Spend a code for a session of the client.

    A code comes once, whether what comes with it is right or not. One that comes again ends the session that it
    began, also when the two overlap: which of them is the thief's cannot be told. Raises OAuthError.
    """
    for name in ("code", "redirect_uri", "code_verifier"):
        if name not in request.form:
            raise invalid_request(f"{name} is missing.")
    refresh_token = new_refresh_token() if GrantType.REFRESH_TOKEN in request.client.grants else None
    begun = await _spend(request, refresh_token)
    # Refused only here, after the commit: an exception inside would undo what a second use ends.
    if begun is None:
        raise OAuthError("invalid_grant", "The code is not valid, or what came with it is wrong.")
    return TokenAnswer(begun.access, begun.scopes, refresh_token)


async def _spend(request: GrantRequest, refresh_token: str | None) -> signing_in.TokenPair | None:
    code_digest = digest(request.form["code"])
    async with request.database.transaction() as connection:
        code = await oauth_codes.lock(connection, code_digest)
        # Another client's code is not there for this one, which can neither use nor spend it.
        if code is None or code.client_id != request.client.client_id:
            return None
        if code.used:
            await _end_what_it_began(request, connection, code)
            return None
        user = await users.lock(connection, code.user_id)
        # The client may have less by now than when the person was asked.
        scopes = [scope for scope in code.scopes if scope in request.client.scopes]
        session_id = None
        if user is not None and user.is_active and code.alive and scopes and _belongs(request, code):
            session_id = await authorizations.begin(
                connection,
                user.id,
                request.origin,
                client_id=code.client_id,
                scopes=scopes,
                token_digest=digest(refresh_token) if refresh_token else None,
            )
        await oauth_codes.use(connection, code_digest, session_id)
        if user is None or session_id is None:
            return None
    log.info("client_let_in", client_id=code.client_id, user_id=code.user_id, session_id=session_id)
    return signing_in.pair(request.own, user, session_id, refresh_token or "", client_id=code.client_id, scopes=scopes)


def _belongs(request: GrantRequest, code: Code) -> bool:
    same_address = hmac.compare_digest(request.form["redirect_uri"].encode(), code.redirect_uri.encode())
    return same_address and proves(request.form["code_verifier"], code.code_challenge)


async def _end_what_it_began(request: GrantRequest, connection: Connection, code: Code) -> None:
    log.warning("code_used_again", client_id=code.client_id, user_id=code.user_id, session_id=code.session_id)
    # Once on record: whoever sends the code on and on ends nothing more.
    if code.session_id is not None and await sessions.find(connection, code.user_id, code.session_id) is not None:
        await sessions.end(connection, code.session_id, "code_reused")
        stranger = Attempts(AuditAction.CODE_REUSED, code.user_id, request.origin, 1)
        await audit.insert_attempts(connection, [stranger])
