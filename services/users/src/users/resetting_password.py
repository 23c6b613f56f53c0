"""The reset of a password by whoever reads the account's mail."""

from collections.abc import Callable

from shared.jobs import enqueue
from shared.postgres import Connection, Database
from users.domain.account import User
from users.domain.audit import AuditAction
from users.domain.credentials import digest
from users.domain.emails import email_key
from users.domain.mailed_tokens import LinkNotValid, Purpose
from users.domain.sessions import Client
from users.jobs.link_mail import LINK_MAIL, LinkKind, LinkMail
from users.jobs.notice_mail import NOTICE_MAIL, Notice, NoticeMail
from users.resources import UsersResources
from users.store import addresses, api_keys, audit, mailed_tokens, second_factors, sessions
from users.store import users as store
from users.verifying_email import prove, spend


async def ask(connection: Connection, email: str) -> None:
    """Have a link mailed, by a job: known or not, the work is the same here."""
    user_id = await store.find_id(connection, email_key(email))
    await enqueue(connection, LINK_MAIL, LinkMail(user_id=user_id, kind=LinkKind.RESET_PASSWORD))


async def reset(
    database: Database,
    own: UsersResources,
    token: str,
    password: str,
    *,
    check: Callable[[str, User], str],
    client: Client,
) -> None:
    """Give the account another password: all its sessions end, its address is proved, its owner is told.

    A second factor stays, where the address was proved before. ``check`` holds the password to the rules, before the
    token is spent. Raises LinkNotValid, what ``check`` raises, and Unavailable when too many passwords are hashed at
    once.
    """
    async with database.acquire() as connection:
        found = await mailed_tokens.find(connection, Purpose.RESET_PASSWORD, digest(token))
        user = await store.find(connection, found.user_id) if found else None
    if user is None:
        raise LinkNotValid
    password_hash = await own.passwords.hash(check(password, user))
    async with database.transaction() as connection:
        user = await spend(connection, Purpose.RESET_PASSWORD, token)
        await store.change_password(connection, user.id, password_hash)
        await sessions.end_others(connection, user.id, None)
        await mailed_tokens.end_changes(connection, user.id)
        await addresses.forget(connection, user.id)
        if not user.email_verified:
            # Whoever registered this address had never shown that it is theirs: what they left behind goes.
            await api_keys.delete_all(connection, user.id)
            await second_factors.delete(connection, user.id)
        await prove(connection, user, client=client)
        await audit.insert(connection, AuditAction.PASSWORD_RESET, actor_id=user.id, subject_id=user.id, client=client)
        await enqueue(connection, NOTICE_MAIL, NoticeMail(user_id=user.id, notice=Notice.PASSWORD_RESET))
    # Strangers may have failed so often that no new place is let in: here is the owner.
    await own.account_throttle.forgive_strangers(email_key(user.email))
    await own.throttle.forget(email_key(user.email), client.address)
