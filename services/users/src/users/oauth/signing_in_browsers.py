"""A browser is signed in at our pages: under a new cookie, whatever it was before (ASVS 5 section 7.2.4)."""

import structlog

from shared.postgres import Database
from users import signing_in
from users.domain.account import User
from users.domain.credentials import digest
from users.domain.sessions import Client
from users.oauth.browser import Browser, BrowserCookie
from users.resources import UsersResources
from users.second_factor import check_second_factor, second_factor_of
from users.store import browser_sessions, users

log = structlog.stdlib.get_logger(__name__)


async def sign_in_by_password(
    database: Database, own: UsersResources, email: str, password: str, *, origin: Client, before: Browser
) -> Browser:
    """The browser anew: signed in, or owing the second factor of an account that has one.

    Raises Unauthorized, TooManyRequests, and Unavailable when too many sign in at once.
    """
    user = await signing_in.check_password(database, own, email, password, origin)
    async with database.transaction() as connection:
        if await second_factor_of(connection, user.id) is not None:
            after = BrowserCookie.another()
            await browser_sessions.end(connection, digest(before.secret))
            await browser_sessions.await_second_factor(connection, user, digest(after.secret))
            return after
    return await _sign_in(database, own, user, origin, before)


async def sign_in_by_second_factor(
    database: Database, own: UsersResources, code: str | None, *, origin: Client, before: Browser
) -> Browser | None:
    """The browser anew, signed in; None when it owes no second factor, or its time for it is over.

    Raises Unauthorized and TooManyRequests.
    """
    async with database.acquire() as connection:
        user_id = await browser_sessions.awaited(connection, digest(before.secret))
        user = await users.find(connection, user_id) if user_id is not None else None
    if user is None:
        return None
    await check_second_factor(database, own, user, code, origin)
    return await _sign_in(database, own, user, origin, before)


async def _sign_in(database: Database, own: UsersResources, user: User, origin: Client, before: Browser) -> Browser:
    after = BrowserCookie.another()
    async with database.transaction() as connection:
        now = await users.lock(connection, user.id)
        if now is None or not now.is_active or now.password_changed_at != user.password_changed_at:
            raise signing_in.wrong_credentials()
        await browser_sessions.forget_awaited(connection, digest(before.secret))
        await browser_sessions.end(connection, digest(before.secret))
        session_id = await browser_sessions.begin(connection, user.id, origin, digest(after.secret))
        await signing_in.record_login(connection, own, now, origin)
    log.info("browser_signed_in", user_id=user.id, session_id=session_id)
    return after
