"""The change of an address by its owner: asked for, proved by a mailed link, and confirmed with the password."""

from shared.jobs import enqueue
from shared.postgres import Connection, Database
from users import events
from users.domain.account import User
from users.domain.audit import AuditAction
from users.domain.credentials import digest
from users.domain.mailed_tokens import LinkNotValid, Purpose
from users.domain.sessions import Client
from users.jobs.link_mail import LINK_MAIL, LinkKind, LinkMail
from users.jobs.notice_mail import NOTICE_MAIL, Notice, NoticeMail
from users.reauthenticating import ReauthenticationFailed, reauthenticate
from users.resources import UsersResources
from users.store import addresses, audit, mailed_tokens, sessions
from users.store import users as store


async def ask(connection: Connection, user: User, email: str, *, session_id: int | None, client: Client) -> None:
    """Note the address that a locked account is to have, and mail it a link; whether it is free is not said here."""
    await addresses.ask(connection, user.id, email, session_id)
    await audit.insert(
        connection, AuditAction.EMAIL_CHANGE_REQUESTED, actor_id=user.id, subject_id=user.id, client=client
    )
    await enqueue(connection, LINK_MAIL, LinkMail(user_id=user.id, kind=LinkKind.CHANGE_EMAIL))


async def confirm(
    database: Database,
    own: UsersResources,
    token: str,
    *,
    current_password: str,
    code: str | None,
    client: Client,
) -> None:
    """Give the account the address that the token was mailed to, and end all sessions but the one that asked for it.

    Who reads the new mailbox and knows the password may know what a stranger must not: that the address was taken
    meanwhile (EmailTaken). Raises LinkNotValid, and what ``reauthenticate`` raises, which spends no token.
    """
    kept = digest(token)
    async with database.acquire() as connection:
        found = await mailed_tokens.find(connection, Purpose.CHANGE_EMAIL, kept)
        user = await store.find(connection, found.user_id) if found else None
    if user is None:
        raise LinkNotValid
    known = await reauthenticate(database, own, user, current_password, code, client)
    async with database.transaction() as connection:
        now = await store.lock(connection, user.id)
        spent = await mailed_tokens.spend(connection, Purpose.CHANGE_EMAIL, kept)
        if now is None or spent is None or now.pending_email != spent.email:
            raise LinkNotValid
        if now.password_changed_at != known.password_changed_at:
            raise ReauthenticationFailed
        asking = await addresses.asking_session(connection, user.id)
        await addresses.take(connection, user.id, spent.email)
        await sessions.end_others(connection, user.id, asking)
        await mailed_tokens.end_changes(connection, user.id)
        await audit.insert(connection, AuditAction.EMAIL_CHANGED, actor_id=user.id, subject_id=user.id, client=client)
        await enqueue(connection, NOTICE_MAIL, NoticeMail(user_id=user.id, notice=Notice.EMAIL_CHANGED))
        changed = await store.find(connection, user.id)
        if changed is not None:
            await events.say_updated(connection, changed)
