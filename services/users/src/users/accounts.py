"""Accounts: made, shown, changed, removed."""

from collections.abc import Callable

from shared.jobs import enqueue
from shared.postgres import Connection
from users import avatars, events
from users.domain.account import Changes, LastAdmin, NotYourRoleToChange, Role, User, UserNotFound, gives_up_admin
from users.domain.audit import AuditAction
from users.domain.sessions import Client
from users.jobs.welcome_mail import WELCOME_MAIL, WelcomeMail
from users.store import audit
from users.store import users as store

Precondition = Callable[[User], None]
"""Raises when the account is not in the state that the caller's condition names (If-Match)."""


async def register(
    connection: Connection, *, name: str, email: str, password_hash: str, role: Role = Role.USER
) -> User:
    """Make an account; its event and its welcome mail are in the same transaction.

    Raises EmailTaken.
    """
    user = await store.insert(connection, name, email, password_hash, role)
    await events.say_registered(connection, user)
    await enqueue(connection, WELCOME_MAIL, WelcomeMail(user_id=user.id))
    return user


async def show(connection: Connection, user_id: int) -> User:
    """The account. Raises UserNotFound."""
    user = await store.find(connection, user_id)
    if user is None:
        raise UserNotFound
    return user


async def change(
    connection: Connection,
    user_id: int,
    changes: Changes,
    *,
    by: int,
    by_admin: bool,
    client: Client,
    precondition: Precondition,
) -> User:
    """Change an account; what changes nothing is no new version and no event. A new role is put on record.

    Raises UserNotFound, NotYourRoleToChange, EmailTaken, LastAdmin, and what ``precondition`` raises.
    """
    user = await _locked(connection, user_id, precondition)
    if changes.role not in (None, user.role) and not by_admin:
        raise NotYourRoleToChange
    if all(getattr(user, field) == value for field, value in _named(changes).items()):
        return user
    if gives_up_admin(user, changes.role):
        await _refuse_the_last_admin(connection, user)
    changed = await store.update(connection, user, changes)
    if changed.role is not user.role:
        await audit.insert(connection, AuditAction.ROLE_CHANGED, actor_id=by, subject_id=user_id, client=client)
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


def _named(changes: Changes) -> dict[str, object]:
    fields = {"name": changes.name, "email": changes.email, "role": changes.role}
    return {field: value for field, value in fields.items() if value is not None}
