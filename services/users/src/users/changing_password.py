"""The change of a password by whoever knows the old one."""

from shared.jobs import enqueue
from shared.postgres import Database
from users.domain.account import User, UserNotFound
from users.domain.audit import AuditAction
from users.domain.sessions import Client
from users.jobs.notice_mail import NOTICE_MAIL, Notice, NoticeMail
from users.reauthenticating import ReauthenticationFailed, reauthenticate
from users.resources import UsersResources
from users.store import audit, mailed_tokens, sessions, users


async def change_password(
    database: Database,
    own: UsersResources,
    user: User,
    *,
    session_id: int,
    current_password: str,
    new_password: str,
    code: str | None,
    client: Client,
) -> None:
    """Give the account another password: this session goes on, all others end, and the owner is told by mail.

    Raises what ``reauthenticate`` raises, and UserNotFound when the account has gone meanwhile.
    """
    known = await reauthenticate(database, own, user, current_password, code, client)
    password_hash = await own.passwords.hash(new_password)
    async with database.transaction() as connection:
        now = await users.lock(connection, user.id)
        if now is None:
            raise UserNotFound
        if now.password_changed_at != known.password_changed_at:
            raise ReauthenticationFailed  # another request has changed it: what was shown is the old one now
        await users.change_password(connection, user.id, password_hash)
        await sessions.end_others(connection, user.id, session_id)
        await mailed_tokens.end_changes(connection, user.id)
        await audit.insert(
            connection,
            AuditAction.PASSWORD_CHANGED,
            actor_id=user.id,
            subject_id=user.id,
            client=client,
        )
        await enqueue(connection, NOTICE_MAIL, NoticeMail(user_id=user.id, notice=Notice.PASSWORD_CHANGED))
