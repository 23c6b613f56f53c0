"""Accounts: made, shown, changed, removed."""

from collections.abc import Callable

from shared.jobs import enqueue
from shared.postgres import Connection
from shared.problems import Conflict, Forbidden, NotFound
from users import events
from users.domain.account import Changes, Role, User, gives_up_admin
from users.jobs.welcome_mail import WELCOME_MAIL, WelcomeMail
from users.store import users as store

Precondition = Callable[[User], None]
"""Raises when the account is not in the state that the caller's condition names (If-Match)."""


def not_there() -> NotFound:
    """The answer for an account that is not there, or not for this caller."""
    return NotFound("user_not_found", "There is no such user.")


def _taken() -> Conflict:
    return Conflict("email_taken", "This e-mail address has an account already.")


async def register(
    connection: Connection, *, name: str, email: str, password_hash: str, role: Role = Role.USER
) -> User:
    """Make an account; its event and its welcome mail are in the same transaction.

    Raises Conflict when the address has an account.
    """
    try:
        user = await store.insert(connection, name, email, password_hash, role)
    except store.EmailTaken:
        raise _taken() from None
    await events.say_registered(connection, user)
    await enqueue(connection, WELCOME_MAIL, WelcomeMail(user_id=user.id))
    return user


async def show(connection: Connection, user_id: int) -> User:
    """The account. Raises NotFound."""
    user = await store.find(connection, user_id)
    if user is None:
        raise not_there()
    return user


async def change(
    connection: Connection, user_id: int, changes: Changes, *, by_admin: bool, precondition: Precondition
) -> User:
    """Change an account; what changes nothing is no new version and no event.

    Raises NotFound, Forbidden (another role, not by an admin), Conflict (the address is another's, or
    the last admin would be none), and what ``precondition`` raises.
    """
    user = await _locked(connection, user_id, precondition)
    if changes.role not in (None, user.role) and not by_admin:
        raise Forbidden("forbidden", "Only an admin may change a role.")
    if all(getattr(user, field) == value for field, value in _named(changes).items()):
        return user
    if gives_up_admin(user, changes.role):
        await _refuse_the_last_admin(connection, user)
    try:
        changed = await store.update(connection, user, changes)
    except store.EmailTaken:
        raise _taken() from None
    await events.say_updated(connection, changed)
    return changed


async def remove(connection: Connection, user_id: int, *, precondition: Precondition) -> None:
    """Remove an account with its sessions and keys.

    Raises NotFound, Conflict (the last admin), and what ``precondition`` raises.
    """
    user = await _locked(connection, user_id, precondition)
    if user.role is Role.ADMIN and user.is_active:
        await _refuse_the_last_admin(connection, user)
    await store.delete(connection, user_id)
    await events.say_deleted(connection, user)


async def _locked(connection: Connection, user_id: int, precondition: Precondition) -> User:
    user = await store.lock(connection, user_id)
    if user is None:
        raise not_there()
    precondition(user)
    return user


async def _refuse_the_last_admin(connection: Connection, user: User) -> None:
    if not await store.other_admin_remains(connection, user.id):
        raise Conflict("last_admin", "This is the last admin; make another one first.")


def _named(changes: Changes) -> dict[str, object]:
    fields = {"name": changes.name, "email": changes.email, "role": changes.role}
    return {field: value for field, value in fields.items() if value is not None}
