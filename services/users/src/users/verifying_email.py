"""The proof that an address is its owner's: a token that was mailed to it comes back."""

from shared.jobs import enqueue
from shared.postgres import Connection
from users import events
from users.domain.account import User
from users.domain.audit import AuditAction
from users.domain.credentials import digest
from users.domain.emails import email_key
from users.domain.mailed_tokens import LinkNotValid, Purpose
from users.domain.sessions import Client
from users.jobs.link_mail import LINK_MAIL, LinkKind, LinkMail
from users.store import addresses, audit, mailed_tokens
from users.store import users as store


async def ask_again(connection: Connection, email: str) -> None:
    """Have the link mailed once more; known or not, verified or not, the work is the same here."""
    user_id = await store.find_id(connection, email_key(email))
    await enqueue(connection, LINK_MAIL, LinkMail(user_id=user_id, kind=LinkKind.VERIFY_EMAIL))


async def verify(connection: Connection, token: str, *, client: Client) -> None:
    """Spend the token. Raises LinkNotValid, also when the account has another address by now."""
    user = await spend(connection, Purpose.VERIFY_EMAIL, token)
    await prove(connection, user, client=client)


async def spend(connection: Connection, purpose: Purpose, token: str) -> User:
    """Spend a token that was mailed to the account's address; the account, locked. Raises LinkNotValid."""
    kept = digest(token)
    found = await mailed_tokens.find(connection, purpose, kept)
    user = await store.lock(connection, found.user_id) if found else None
    if user is None or not user.is_active:
        raise LinkNotValid
    spent = await mailed_tokens.spend(connection, purpose, kept)
    if spent is None or email_key(spent.email) != email_key(user.email):
        raise LinkNotValid
    return user


async def prove(connection: Connection, user: User, *, client: Client) -> None:
    """Note that the address of a locked account is its owner's, once."""
    if user.email_verified:
        return
    await addresses.prove(connection, user.id)
    await audit.insert(connection, AuditAction.EMAIL_VERIFIED, actor_id=user.id, subject_id=user.id, client=client)
    proved = await store.find(connection, user.id)
    if proved is not None:
        await events.say_updated(connection, proved)
