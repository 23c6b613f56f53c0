"""Takes from every role but the owner what it need not do with a table.

``deploy/postgres/roles.sql`` grants the role that serves SELECT, INSERT, UPDATE and DELETE on each table as it is
made. A file ``privileges.toml`` beside the migrations names the tables of which it needs less.
"""

import tomllib
from collections.abc import Sequence
from pathlib import Path

from shared.postgres.database import Connection

FILE = "privileges.toml"

_TOO_MUCH = """
    SELECT format('REVOKE %s ON TABLE %s FROM %I', granted.privilege_type, held.oid::regclass, role.rolname)
    FROM pg_class AS held
    CROSS JOIN LATERAL aclexplode(held.relacl) AS granted
    JOIN pg_roles AS role ON role.oid = granted.grantee
    WHERE held.oid = to_regclass($1)
      AND granted.grantee <> held.relowner
      AND granted.privilege_type <> ALL ($2::text[])
"""
"""The statements that take it away, quoted by the server itself."""


class UnknownTableError(Exception):
    """A file of privileges names a table that no migration made."""


def read_privileges(directories: Sequence[Path]) -> dict[str, list[str]]:
    """Table to privileges, of all the directories that have such a file."""
    return {
        table: list(privileges)
        for path in (directory / FILE for directory in directories)
        if path.exists()
        for table, privileges in tomllib.loads(path.read_text()).items()
    }


async def narrow_privileges(connection: Connection, privileges: dict[str, list[str]]) -> None:
    """Take away what is beyond the list; only the tables' owner can. Raises UnknownTableError."""
    for table, enough in privileges.items():
        if await connection.fetchval("SELECT to_regclass($1) IS NULL", table):
            raise UnknownTableError(f"{FILE}: there is no table {table}")
        for row in await connection.fetch(_TOO_MUCH, table, enough):
            await connection.execute(row[0])
