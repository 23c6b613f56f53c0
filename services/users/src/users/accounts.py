"""Accounts: made, shown, changed, removed."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from shared.jobs import enqueue
from shared.postgres import Connection
from users import avatars, changing_email, events
from users.domain.account import (
    Changes,
    LastAdmin,
    NotYourRoleToChange,
    NotYoursToDisable,
    Role,
    User,
    UserNotFound,
    gives_up_admin,
)
from users.domain.audit import AuditAction
from users.domain.emails import email_key
from users.domain.sessions import Client
from users.jobs.link_mail import LINK_MAIL, LinkKind, LinkMail
from users.jobs.notice_mail import NOTICE_MAIL, Notice, NoticeMail
from users.jobs.welcome_mail import WELCOME_MAIL, WelcomeMail
from users.store import audit, mailed_tokens, sessions
from users.store import users as store

Precondition = Callable[[User], None]
"""Raises when the account is not in the state that the caller's condition names (If-Match)."""


@dataclass(frozen=True, slots=True)
class By:
    """Who changes an account, and from where."""

    user_id: int
    is_admin: bool
    session_id: int | None
    client: Client


async def register(
    connection: Connection,
    user_id: int,
    *,
    name: str,
    email: str,
    password_hash: str,
    role: Role = Role.USER,
    email_verified: bool = False,
) -> User:
    """Make an account of a number that was drawn; its event and its welcome mail are in the same transaction.

    Raises EmailTaken.
    """
    user = await store.insert(connection, user_id, name, email, password_hash, role, email_verified=email_verified)
    await events.say_registered(connection, user)
    await enqueue(connection, WELCOME_MAIL, WelcomeMail(user_id=user.id))
    return user


async def show(connection: Connection, user_id: int) -> User:
    """The account. Raises UserNotFound."""
    user = await store.find(connection, user_id)
    if user is None:
        raise UserNotFound
    return user


async def change(connection: Connection, user_id: int, changes: Changes, *, by: By, precondition: Precondition) -> User:
    """Change an account; what changes nothing is no new version and no event.

    One's own address is only asked for here, whoever one is (``changing_email``); that of another an admin sets.
    Raises UserNotFound, NotYourRoleToChange, NotYoursToDisable, EmailTaken, LastAdmin, and what ``precondition``
    raises.
    """
    user = await _locked(connection, user_id, precondition)
    if changes.role not in (None, user.role) and not by.is_admin:
        raise NotYourRoleToChange
    if changes.disabled not in (None, user.disabled) and not by.is_admin:
        raise NotYoursToDisable
    if by.user_id == user_id and _is_another_address(user, changes.email):
        await changing_email.ask(connection, user, str(changes.email), session_id=by.session_id, client=by.client)
        changes = replace(changes, email=None)
        user = await show(connection, user_id)
    if all(getattr(user, field) == value for field, value in _named(changes).items()):
        return user
    if gives_up_admin(user, changes):
        await _refuse_the_last_admin(connection, user)
    changed = await store.update(connection, user, changes)
    await _record(connection, user, changed, by)
    await events.say_updated(connection, changed)
    return changed


async def remove(connection: Connection, user_id: int, *, by: int, client: Client, precondition: Precondition) -> None:
    """Remove an account with its sessions, keys and avatar; that user ``by`` did so stays on record.

    Tokens that are still out end with it (the triggers of ``revocations``), and the event makes the other
    services forget the person. Raises UserNotFound, LastAdmin, and what ``precondition`` raises.
    """
    user = await _locked(connection, user_id, precondition)
    if user.role is Role.ADMIN and user.is_active:
        await _refuse_the_last_admin(connection, user)
    await avatars.remove(connection, user_id)
    await store.delete(connection, user_id)
    await audit.insert(connection, AuditAction.USER_DELETED, actor_id=by, subject_id=user_id, client=client)
    await events.say_deleted(connection, user)


async def _locked(connection: Connection, user_id: int, precondition: Precondition) -> User:
    user = await store.lock(connection, user_id)
    if user is None:
        raise UserNotFound
    precondition(user)
    return user


async def _refuse_the_last_admin(connection: Connection, user: User) -> None:
    if not await store.other_admin_remains(connection, user.id):
        raise LastAdmin


def _is_another_address(user: User, email: str | None) -> bool:
    return email is not None and email_key(email) != email_key(user.email)


async def _record(connection: Connection, before: User, after: User, by: By) -> None:
    """Put on record, and carry on to sessions and mail, what an admin has changed."""
    actions: list[AuditAction] = []
    if before.role is not after.role:
        actions.append(AuditAction.ROLE_CHANGED)
    if after.disabled and not before.disabled:
        actions.append(AuditAction.USER_DISABLED)
        # Enabled again, the account has no login that lived on.
        await sessions.end_others(connection, after.id, None, "disabled")
    if before.disabled and not after.disabled:
        actions.append(AuditAction.USER_ENABLED)
    if _is_another_address(before, after.email):
        actions.append(AuditAction.EMAIL_CHANGED)
        # As when its owner changes it: what was mailed or begun under the old address is over, and its reader is told.
        await mailed_tokens.end_changes(connection, after.id)
        await sessions.end_others(connection, after.id, None)
        await enqueue(connection, NOTICE_MAIL, NoticeMail(user_id=after.id, notice=Notice.EMAIL_CHANGED))
        await enqueue(connection, LINK_MAIL, LinkMail(user_id=after.id, kind=LinkKind.VERIFY_EMAIL))
    for action in actions:
        await audit.insert(connection, action, actor_id=by.user_id, subject_id=after.id, client=by.client)


def _named(changes: Changes) -> dict[str, object]:
    fields = {"name": changes.name, "email": changes.email, "role": changes.role, "disabled": changes.disabled}
    return {field: value for field, value in fields.items() if value is not None}
