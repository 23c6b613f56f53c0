"""Second factors and their recovery codes in Postgres."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from shared.postgres import Connection
from users.domain.second_factor import SecondFactor

_COLUMNS = "user_id, secret, begun_at, confirmed_at, last_step, failures, window_began_at, window_failures"
_FIND = f"SELECT {_COLUMNS} FROM second_factors WHERE user_id = $1"  # noqa: S608 - a constant
_LOCK = f"{_FIND} FOR UPDATE"
# One that is on stays as it is: no row comes back.
_BEGIN = """
    INSERT INTO second_factors (user_id, secret, begun_at) VALUES ($1, $2, $3)
    ON CONFLICT (user_id) DO UPDATE SET secret = $2, begun_at = $3, last_step = 0
    WHERE second_factors.confirmed_at IS NULL
    RETURNING user_id
"""
_CONFIRM = "UPDATE second_factors SET confirmed_at = $2, last_step = $3 WHERE user_id = $1"
_TAKE_STEP = """
    UPDATE second_factors SET last_step = $2, failures = 0, window_began_at = NULL, window_failures = 0
    WHERE user_id = $1
"""
_FORGIVE = """
    UPDATE second_factors SET failures = 0, window_began_at = NULL, window_failures = 0 WHERE user_id = $1
"""
_FAIL = """
    UPDATE second_factors SET failures = $2, window_began_at = $3, window_failures = $4 WHERE user_id = $1
"""
_DELETE_CODES = "DELETE FROM recovery_codes WHERE user_id = $1"
_INSERT_CODES = "INSERT INTO recovery_codes (user_id, digest) SELECT $1, unnest($2::bytea[])"
_USE_CODE = """
    UPDATE recovery_codes SET used_at = $3 WHERE user_id = $1 AND digest = $2 AND used_at IS NULL RETURNING user_id
"""
_COUNT_CODES = "SELECT count(*) FROM recovery_codes WHERE user_id = $1 AND used_at IS NULL"
_DELETE = "DELETE FROM second_factors WHERE user_id = $1 RETURNING confirmed_at IS NOT NULL"


def _factor(row: asyncpg.Record | None) -> SecondFactor | None:
    return SecondFactor(**{name: row[name] for name in SecondFactor.__dataclass_fields__}) if row else None


async def find(connection: Connection, user_id: int) -> SecondFactor | None:
    """The user's factor, confirmed or not."""
    return _factor(await connection.fetchrow(_FIND, user_id))


async def lock(connection: Connection, user_id: int) -> SecondFactor | None:
    """The user's factor, confirmed or not, locked until the transaction ends."""
    return _factor(await connection.fetchrow(_LOCK, user_id))


async def begin(connection: Connection, user_id: int, secret: str, at: datetime) -> bool:
    """Keep a new encrypted secret in the place of one that was not confirmed; False when one is on."""
    return await connection.fetchval(_BEGIN, user_id, secret, at) is not None


async def confirm(connection: Connection, user_id: int, at: datetime, step: int) -> None:
    """Turn the factor on; the code of this step is spent."""
    await connection.execute(_CONFIRM, user_id, at, step)


async def take_step(connection: Connection, user_id: int, step: int) -> None:
    """The code of this step was right: it is spent, and wrong ones before it count no more."""
    await connection.execute(_TAKE_STEP, user_id, step)


async def record_failure(connection: Connection, failed: SecondFactor) -> None:
    """Keep the counts of wrong codes."""
    await connection.execute(_FAIL, failed.user_id, failed.failures, failed.window_began_at, failed.window_failures)


async def replace_recovery_codes(connection: Connection, user_id: int, digests: Sequence[bytes]) -> None:
    """Keep these codes in the place of all there were."""
    await connection.execute(_DELETE_CODES, user_id)
    await connection.execute(_INSERT_CODES, user_id, list(digests))


async def use_recovery_code(connection: Connection, user_id: int, digest: bytes, at: datetime) -> bool:
    """Spend a recovery code, which forgives wrong codes; False when it is none, or spent."""
    if await connection.fetchval(_USE_CODE, user_id, digest, at) is None:
        return False
    await connection.execute(_FORGIVE, user_id)
    return True


async def count_recovery_codes(connection: Connection, user_id: int) -> int:
    """How many recovery codes are left."""
    return await connection.fetchval(_COUNT_CODES, user_id)


async def delete(connection: Connection, user_id: int) -> bool:
    """Remove the factor with its recovery codes; whether it was on."""
    await connection.execute(_DELETE_CODES, user_id)
    return bool(await connection.fetchval(_DELETE, user_id))
