"""Postgres: the pool, transactions, migrations."""

from shared.postgres.database import Connection, Database, count_rows
from shared.postgres.migrations import SHARED_MIGRATIONS, migrate
from shared.postgres.replica import Replica
from shared.postgres.schema import ready_schema

__all__ = ["SHARED_MIGRATIONS", "Connection", "Database", "Replica", "count_rows", "migrate", "ready_schema"]
