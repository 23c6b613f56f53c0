"""Postgres: the pool, transactions, migrations."""

from shared.postgres.database import Connection, Database, count_rows
from shared.postgres.migrations import SHARED_MIGRATIONS, migrate
from shared.postgres.replica import Replica
from shared.postgres.schema import ready_schema
from shared.postgres.together import Write, write_together

__all__ = [
    "SHARED_MIGRATIONS",
    "Connection",
    "Database",
    "Replica",
    "Write",
    "count_rows",
    "migrate",
    "ready_schema",
    "write_together",
]
