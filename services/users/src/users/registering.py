"""Registration by anyone: a taken address is answered as a free one is (TRAPS.md, Auth 4)."""

from shared.jobs import enqueue
from shared.postgres import Connection
from users import accounts
from users.domain.account import EmailTaken, Role, User
from users.domain.emails import email_key
from users.jobs.link_mail import LINK_MAIL, LinkKind, LinkMail
from users.store import users as store


async def register(connection: Connection, *, name: str, email: str, password_hash: str) -> User:
    """Make an account; where the address has one, tell its owner by mail and make none.

    Both ways take one number of the sequence, write one job, and give an account of the same shape. The number of an
    account that was not made leads nowhere, as every number of somebody else's does.
    """
    user_id, now = await store.draw(connection)
    try:
        return await accounts.register(connection, user_id, name=name, email=email, password_hash=password_hash)
    except EmailTaken:
        owner = await store.find_id(connection, email_key(email))
        await enqueue(connection, LINK_MAIL, LinkMail(user_id=owner, kind=LinkKind.ACCOUNT_EXISTS))
        return User(user_id, name, email, Role.USER, "free", now, None, 1)
