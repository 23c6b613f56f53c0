"""Postgres: the pool, transactions, migrations."""

from shared.postgres.database import Connection, Database
from shared.postgres.migrations import SHARED_MIGRATIONS, migrate

__all__ = ["SHARED_MIGRATIONS", "Connection", "Database", "migrate"]
