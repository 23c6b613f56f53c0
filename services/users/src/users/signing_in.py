"""Login, refresh and logout: sessions that begin, go on and end."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import structlog

from shared.jobs import enqueue
from shared.postgres import Connection, Database
from shared.problems import TooManyRequests, Unauthorized
from users.access_tokens import AccessToken
from users.account_throttle import Place
from users.devices import place_of, remember
from users.domain.account import User
from users.domain.audit import AuditAction
from users.domain.credentials import digest, new_refresh_token
from users.domain.emails import email_key
from users.domain.oauth_clients import FIRST_PARTY
from users.domain.scopes import narrowed, scopes_of
from users.domain.sessions import ACCESS_TOKEN_LIFETIME, NOWHERE, Client
from users.jobs.notice_mail import NOTICE_MAIL, Notice, NoticeMail
from users.resources import UsersResources
from users.second_factor import check_second_factor
from users.store import audit, users
from users.store import sessions as store
from users.store.audit import Attempts

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a login or a refresh hands out; ``device``, of a login, is for the browser to keep (``users.devices``)."""

    access: AccessToken
    refresh_token: str
    scopes: tuple[str, ...]
    device: str = ""


def wrong_credentials() -> Unauthorized:
    """One answer for an unknown address, a wrong password and a disabled account (TRAPS.md, Auth 4)."""
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
    async with database.acquire() as connection:
        found = await users.find_credentials(connection, account)
        place = await place_of(connection, own.devices, found.user.id if found else 0, client)
    await _take_a_try(own, account, place, found.user if found else None, client)
    verdict = await own.passwords.verify(found.password_hash if found else None, password)
    if found is None or not _may_log_in(own, found.user) or not verdict.matches:
        if found is not None:
            own.failed_logins.note(AuditAction.LOGIN_FAILED, found.user.id, client)
        raise wrong_credentials()
    if verdict.outdated:
        stronger = await own.passwords.hash(password)
        async with database.transaction() as connection:
            await users.upgrade_hash(connection, found.user.id, found.password_hash, stronger)
    await own.throttle.forget(account, _counted_at(place))
    await own.account_throttle.forgive(account, place)
    return found.user


def _may_log_in(own: UsersResources, user: User) -> bool:
    return user.is_active and (user.email_verified or not own.settings.login.needs_verified_email)


async def _take_a_try(own: UsersResources, account: str, place: Place, user: User | None, client: Client) -> None:
    wait = await own.throttle.take(account, _counted_at(place))
    if not wait:
        wait = await own.account_throttle.take(account, place)
    if wait:
        if await own.account_throttle.tell(account) and user is not None:
            own.failed_logins.note(AuditAction.LOGIN_THROTTLED, user.id, client)
        raise TooManyRequests("too_many_failures", "Too many failed logins. Try again later.", retry_after=wait)


def _counted_at(place: Place) -> str:
    return place.known if place.known is not None and place.by_device else place.network


async def begin_session(database: Database, own: UsersResources, user: User, client: Client) -> TokenPair:
    """Begin a session of an account whose credentials were checked.

    Raises Unauthorized when the account was disabled or deleted, or given another password, meanwhile.
    """
    refresh_token = new_refresh_token()
    async with database.transaction() as connection:
        now = await users.lock(connection, user.id)
        if now is None or not now.is_active or now.password_changed_at != user.password_changed_at:
            raise wrong_credentials()
        session_id = await store.begin(connection, now.id, client, digest(refresh_token))
        await record_login(connection, own, now, client)
    log.info("logged_in", user_id=now.id, session_id=session_id)
    return replace(pair(own, now, session_id, refresh_token), device=_device_token(own, now, client))


async def record_login(connection: Connection, own: UsersResources, user: User, client: Client) -> None:
    """Put a login on record, remember where it came from, and tell the owner of a place that is new."""
    await audit.insert(connection, AuditAction.LOGIN_SUCCEEDED, actor_id=user.id, subject_id=user.id, client=client)
    if await remember(connection, own.devices, user.id, client):
        await enqueue(connection, NOTICE_MAIL, NoticeMail(user_id=user.id, notice=Notice.NEW_DEVICE))


def _device_token(own: UsersResources, user: User, client: Client) -> str:
    return own.devices.token(user.id, own.devices.read(client.device) if client.device else None)


async def refresh(
    database: Database,
    own: UsersResources,
    token: str,
    *,
    client_id: str | None = None,
    narrow: Callable[[tuple[str, ...]], tuple[str, ...]] = tuple,
    client: Client = NOWHERE,
) -> TokenPair:
    """Spend a refresh token for the next pair (RFC 9700 section 4.14).

    A token that was spent before ends its session, also when two requests overlap: which of the two is
    the thief's cannot be told. The token of an OAuth client is good for that ``client_id`` alone, one of a person's
    own login for nobody else; ``narrow`` is given what was allowed the client and says what of it is wanted now.
    Raises Unauthorized, and what ``narrow`` raises, which spends nothing.
    """
    next_token = new_refresh_token()
    async with database.transaction() as connection:
        use = await store.lock_by_token(connection, digest(token), client_id)
        user = await users.find(connection, use.user_id) if use else None
        usable = use is not None and user is not None and use.session_alive and user.is_active
        scopes: tuple[str, ...] | None = None
        if use is not None and use.used:
            await store.end(connection, use.session_id, "token_reused")
            if use.session_alive:
                stranger = Attempts(AuditAction.REFRESH_TOKEN_REUSED, use.user_id, client, 1)
                await audit.insert_attempts(connection, [stranger])
        elif use is not None and usable:
            scopes = narrow(use.scopes) if use.scopes is not None else None
            await store.rotate(connection, use.session_id, digest(token), digest(next_token))
    # Refused only here, after the commit: an exception inside would undo the end of the session.
    if use is None or user is None or use.used or not usable:
        if use is not None and use.used:
            log.warning("refresh_token_reused", user_id=use.user_id, session_id=use.session_id)
        raise Unauthorized("invalid_refresh_token", "The refresh token is not valid.")
    return pair(own, user, use.session_id, next_token, client_id=client_id, scopes=scopes)


async def log_out(
    connection: Connection, *, refresh_token: str | None, user_id: int | None, session_id: int | None, client: Client
) -> None:
    """End the session of the refresh token, and the one that the bearer's token belongs to.

    A token that is not known is no error (RFC 7009 section 2.2).
    """
    if refresh_token is not None:
        owner_id = await store.end_by_token(connection, digest(refresh_token))
        if owner_id is not None:
            await _put_end_on_record(connection, owner_id, 1, client)
    if user_id is not None and session_id is not None:
        await end_sessions(connection, user_id, session_id, client)


async def end_sessions(connection: Connection, user_id: int, session_id: int | None, client: Client) -> int:
    """End one session of a user, or all of them, as that user; how many were ended."""
    ended = await store.end_own(connection, user_id, session_id)
    if ended:
        await _put_end_on_record(connection, user_id, ended, client)
    return ended


async def _put_end_on_record(connection: Connection, user_id: int, ended: int, client: Client) -> None:
    await audit.insert(
        connection,
        AuditAction.SESSION_ENDED,
        actor_id=user_id,
        subject_id=user_id,
        client=client,
        occurrences=ended,
    )


def pair(
    own: UsersResources,
    user: User,
    session_id: int,
    refresh_token: str,
    *,
    client_id: str | None = None,
    scopes: Sequence[str] | None = None,
) -> TokenPair:
    """An access token of this session beside its refresh token; an OAuth client's has ``scopes`` at most."""
    role, kept = narrowed(user.role, scopes_of(user.role) if scopes is None else scopes)
    access = own.issuer.issue(
        user.id,
        role=role,
        tier=user.tier,
        scopes=kept,
        lifetime=ACCESS_TOKEN_LIFETIME,
        session_id=session_id,
        client_id=client_id or FIRST_PARTY,
        generation=user.token_generation,
    )
    return TokenPair(access, refresh_token, kept)
