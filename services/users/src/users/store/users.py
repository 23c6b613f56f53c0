"""Accounts in Postgres."""

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from shared.postgres import Connection
from users.domain.account import Changes, EmailTaken, Role, User
from users.domain.emails import email_key

_COLUMNS = """id, name, email, role, tier, created_at, disabled_at, version, email_verified_at, password_changed_at,
    token_generation,
    CASE WHEN pending_email_at > now() - interval '24 hours' THEN pending_email END AS pending_email"""

# Drawn beside the insert, so that a registration takes one number whether or not its address is free.
_DRAW = "SELECT nextval(pg_get_serial_sequence('users', 'id')) AS id, now() AS at"
_INSERT = f"""
    INSERT INTO users (id, name, email, email_key, password_hash, role, email_verified_at) OVERRIDING SYSTEM VALUE
    VALUES ($1, $2, $3, $4, $5, $6, CASE WHEN $7 THEN now() END)
    ON CONFLICT (email_key) DO NOTHING
    RETURNING {_COLUMNS}
"""  # noqa: S608 - a constant
_FIND = f"SELECT {_COLUMNS} FROM users WHERE id = $1"  # noqa: S608 - a constant
_FIND_CALLER = f"""
    SELECT {_COLUMNS} FROM users
    WHERE id = $1 AND disabled_at IS NULL
    AND ($2::bigint IS NULL OR EXISTS (
        SELECT FROM sessions WHERE sessions.id = $2 AND sessions.user_id = users.id AND ended_at IS NULL))
"""  # noqa: S608 - a constant
_LOCK = f"{_FIND} FOR UPDATE"
_CREDENTIALS = f"SELECT {_COLUMNS}, password_hash FROM users WHERE email_key = $1"  # noqa: S608 - a constant
# Two statements each, so that each has a plan of its own: by the primary key, and by the index of roles.
_PAGE = f"SELECT {_COLUMNS} FROM users ORDER BY id LIMIT $1 OFFSET $2"  # noqa: S608 - a constant
_PAGE_OF_ROLE = f"SELECT {_COLUMNS} FROM users WHERE role = $3 ORDER BY id LIMIT $1 OFFSET $2"  # noqa: S608 - a constant
_COUNT = "SELECT count(*) FROM users"
_COUNT_OF_ROLE = "SELECT count(*) FROM users WHERE role = $1"
_UPDATE = f"""
    UPDATE users SET name = $2, email = $3, email_key = $4, role = $5,
        disabled_at = CASE WHEN $6 THEN coalesce(disabled_at, now()) END,
        email_verified_at = CASE WHEN email_key = $4 THEN email_verified_at END,
        previous_email = CASE WHEN email_key = $4 THEN previous_email ELSE email END,
        pending_email = CASE WHEN email_key = $4 THEN pending_email END,
        pending_email_at = CASE WHEN email_key = $4 THEN pending_email_at END,
        pending_email_session = CASE WHEN email_key = $4 THEN pending_email_session END,
        version = version + 1, updated_at = now()
    WHERE id = $1 RETURNING {_COLUMNS}
"""  # noqa: S608 - a constant
_FIND_ID = "SELECT id FROM users WHERE email_key = $1"
_ON_RECORD = "SELECT set_config('gatehouse.on_record', 'by a route', true)"
_DELETE = "DELETE FROM users WHERE id = $1"
_LOCK_ADMINS = "SELECT pg_advisory_xact_lock(hashtextextended('admins:' || current_schema(), 0))"
_OTHER_ADMIN = "SELECT EXISTS (SELECT FROM users WHERE role = 'admin' AND disabled_at IS NULL AND id <> $1)"
_SET_HASH = "UPDATE users SET password_hash = $2, password_changed_at = clock_timestamp() WHERE id = $1"
_UPGRADE_HASH = "UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2"


@dataclass(frozen=True, slots=True)
class Credentials:
    """An account with what its password is checked against."""

    user: User
    password_hash: str


def _user(row: asyncpg.Record) -> User:
    return User(
        id=row["id"],
        name=row["name"],
        email=row["email"],
        role=Role(row["role"]),
        tier=row["tier"],
        created_at=row["created_at"],
        disabled_at=row["disabled_at"],
        version=row["version"],
        email_verified_at=row["email_verified_at"],
        pending_email=row["pending_email"],
        password_changed_at=row["password_changed_at"],
        token_generation=row["token_generation"],
    )


async def draw(connection: Connection) -> tuple[int, datetime]:
    """The id of the next account, and the time of the transaction."""
    row = await connection.fetchrow(_DRAW)
    if row is None:
        raise LookupError("a sequence gave nothing")
    return row["id"], row["at"]


async def insert(  # noqa: PLR0917 - the columns
    connection: Connection,
    user_id: int,
    name: str,
    email: str,
    password_hash: str,
    role: Role,
    *,
    email_verified: bool = False,
) -> User:
    """Add an account. Raises EmailTaken; the transaction can go on after it."""
    row = await connection.fetchrow(
        _INSERT, user_id, name, email, email_key(email), password_hash, role, email_verified
    )
    if row is None:
        raise EmailTaken
    return _user(row)


async def find_id(connection: Connection, key: str) -> int | None:
    """The id of the account of this e-mail key."""
    found: int | None = await connection.fetchval(_FIND_ID, key)
    return found


async def find(connection: Connection, user_id: int) -> User | None:
    """The account of this id."""
    row = await connection.fetchrow(_FIND, user_id)
    return _user(row) if row else None


async def find_caller(connection: Connection, user_id: int, session_id: int | None) -> User | None:
    """The account if it may still act: it is there, not disabled, and its session has not ended."""
    row = await connection.fetchrow(_FIND_CALLER, user_id, session_id)
    return _user(row) if row else None


async def lock(connection: Connection, user_id: int) -> User | None:
    """The account of this id, locked until the transaction ends."""
    row = await connection.fetchrow(_LOCK, user_id)
    return _user(row) if row else None


async def find_credentials(connection: Connection, key: str) -> Credentials | None:
    """The account of this e-mail key with its password's hash."""
    row = await connection.fetchrow(_CREDENTIALS, key)
    return Credentials(_user(row), row["password_hash"]) if row else None


async def page(connection: Connection, role: Role | None, limit: int, offset: int) -> tuple[list[User], int]:
    """Accounts in the order of their ids, and how many there are in all."""
    total: int
    if role is None:
        total = await connection.fetchval(_COUNT)
        rows = await connection.fetch(_PAGE, limit, offset)
    else:
        total = await connection.fetchval(_COUNT_OF_ROLE, role)
        rows = await connection.fetch(_PAGE_OF_ROLE, limit, offset, role)
    return [_user(row) for row in rows], total


async def update(connection: Connection, user: User, changes: Changes) -> User:
    """Write the changes. Raises EmailTaken, after which the transaction can only roll back."""
    email = changes.email or user.email
    await connection.execute(_ON_RECORD)  # a trigger records what is done by hand
    try:
        row = await connection.fetchrow(
            _UPDATE,
            user.id,
            changes.name or user.name,
            email,
            email_key(email),
            changes.role or user.role,
            user.disabled if changes.disabled is None else changes.disabled,
        )
    except asyncpg.UniqueViolationError as error:
        raise EmailTaken from error
    if row is None:
        raise LookupError(f"user {user.id} is not there, although it was locked")
    return _user(row)


async def delete(connection: Connection, user_id: int) -> None:
    """Remove the account with its sessions, refresh tokens and API keys."""
    await connection.execute(_DELETE, user_id)


async def other_admin_remains(connection: Connection, user_id: int) -> bool:
    """Whether there is an admin beside this one.

    Takes a lock that ends with the transaction, so that two admins cannot remove each other at once;
    whoever holds it waits for no row, so it cannot close a circle.
    """
    await connection.execute(_LOCK_ADMINS)
    return bool(await connection.fetchval(_OTHER_ADMIN, user_id))


async def upgrade_hash(connection: Connection, user_id: int, old: str, new: str) -> None:
    """Put the hash of a stronger scheme in the place of the old one, unless it was changed meanwhile."""
    await connection.execute(_UPGRADE_HASH, user_id, old, new)


async def change_password(connection: Connection, user_id: int, password_hash: str) -> None:
    """Put another password in the place of the old one; who is signing in with that one right now is refused."""
    await connection.execute(_SET_HASH, user_id, password_hash)
