"""Login, refresh and logout: sessions that begin, go on and end."""

from dataclasses import dataclass

import structlog

from shared.postgres import Connection, Database
from shared.problems import TooManyRequests, Unauthorized
from users.access_tokens import AccessToken
from users.domain.account import User
from users.domain.credentials import digest, new_refresh_token
from users.domain.emails import email_key
from users.domain.scopes import scopes_of
from users.domain.sessions import ACCESS_TOKEN_LIFETIME, Client
from users.resources import UsersResources
from users.second_factor import check_second_factor
from users.store import sessions as store
from users.store import users

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a login or a refresh hands out."""

    access: AccessToken
    refresh_token: str


def _wrong() -> Unauthorized:
    # One answer for an unknown address, a wrong password and a disabled account (TRAPS.md, Auth 4).
    return Unauthorized("invalid_credentials", "The e-mail address or the password is wrong.")


async def log_in(
    database: Database, own: UsersResources, email: str, password: str, *, code: str | None, client: Client
) -> TokenPair:
    """Check the credentials and begin a session; raises as ``check_password`` and ``check_second_factor`` do."""
    user = await check_password(database, own, email, password, client)
    await check_second_factor(database, own, user, code, client)
    return await begin_session(database, own, user, client)


async def check_password(database: Database, own: UsersResources, email: str, password: str, client: Client) -> User:
    """The account of these credentials, which is every way in: throttled, and alike in time for all that is wrong.

    No connection is held while the password is checked. Raises Unauthorized, TooManyRequests, and
    Unavailable when too many sign in at once.
    """
    account = email_key(email)
    wait = await own.throttle.take(account, client.address)
    if wait:
        raise TooManyRequests("too_many_failures", "Too many failed logins. Try again later.", retry_after=wait)
    async with database.acquire() as connection:
        found = await users.find_credentials(connection, account)
    verdict = await own.passwords.verify(found.password_hash if found else None, password)
    if found is None or not found.user.is_active or not verdict.matches:
        raise _wrong()
    if verdict.outdated:
        stronger = await own.passwords.hash(password)
        async with database.transaction() as connection:
            await users.upgrade_hash(connection, found.user.id, found.password_hash, stronger)
    await own.throttle.forget(account, client.address)
    return found.user


async def begin_session(database: Database, own: UsersResources, user: User, client: Client) -> TokenPair:
    """Begin a session of an account whose credentials were checked.

    Raises Unauthorized when the account was disabled or deleted, or given another password, meanwhile.
    """
    refresh_token = new_refresh_token()
    async with database.transaction() as connection:
        now = await users.lock(connection, user.id)
        if now is None or not now.is_active or now.password_changed_at != user.password_changed_at:
            raise _wrong()
        session_id = await store.begin(connection, now.id, client, digest(refresh_token))
    log.info("logged_in", user_id=now.id, session_id=session_id)
    return TokenPair(_access_token(own, now, session_id), refresh_token)


async def refresh(database: Database, own: UsersResources, token: str) -> TokenPair:
    """Spend a refresh token for the next pair (RFC 9700 section 4.14).

    A token that was spent before ends its session, also when two requests overlap: which of the two is
    the thief's cannot be told. Raises Unauthorized.
    """
    next_token = new_refresh_token()
    async with database.transaction() as connection:
        use = await store.lock_by_token(connection, digest(token))
        user = await users.find(connection, use.user_id) if use else None
        usable = use is not None and user is not None and use.session_alive and user.is_active
        if use is not None and use.used:
            await store.end(connection, use.session_id, "token_reused")
        elif use is not None and usable:
            await store.rotate(connection, use.session_id, digest(token), digest(next_token))
    # Refused only here, after the commit: an exception inside would undo the end of the session.
    if use is None or user is None or use.used or not usable:
        if use is not None and use.used:
            log.warning("refresh_token_reused", user_id=use.user_id, session_id=use.session_id)
        raise Unauthorized("invalid_refresh_token", "The refresh token is not valid.")
    return TokenPair(_access_token(own, user, use.session_id), next_token)


async def log_out(
    connection: Connection, *, refresh_token: str | None, user_id: int | None, session_id: int | None
) -> None:
    """End the session of the refresh token, and the one that the bearer's token belongs to.

    A token that is not known is no error (RFC 7009 section 2.2).
    """
    if refresh_token is not None:
        await store.end_by_token(connection, digest(refresh_token))
    if user_id is not None and session_id is not None:
        await store.end_own(connection, user_id, session_id)


def _access_token(own: UsersResources, user: User, session_id: int) -> AccessToken:
    return own.issuer.issue(
        user.id,
        role=user.role,
        tier=user.tier,
        scopes=scopes_of(user.role),
        lifetime=ACCESS_TOKEN_LIFETIME,
        session_id=session_id,
    )
