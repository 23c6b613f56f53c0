"""A ring of signing keys of the test's own: in a schema of its own, by a clock of its own where one is wanted."""

import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from shared.postgres import Database, migrate
from shared.testing.plugin import RoleMaker
from users.main import MIGRATIONS, SERVICE
from users.settings import UsersSettings


class Clock:
    """Unix seconds that go on when the test says so."""

    def __init__(self) -> None:
        self.now = float(int(time.time()))

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class OwnRing:
    """Settings of an API on a database schema without any key, and that schema."""

    environment: dict[str, str]
    settings: UsersSettings
    database: Database

    def command(self, *arguments: str, **changes: str) -> "subprocess.Popen[str]":
        """``python -m users.keys``, started."""
        return subprocess.Popen(
            [sys.executable, "-m", "users.keys", *arguments],
            env={"PATH": os.environ["PATH"], **self.environment, **changes},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    async def value(self, statement: str, *values: object) -> Any:
        """One value from the database."""
        async with self.database.acquire() as connection:
            return await connection.fetchval(statement, *values)


@asynccontextmanager
async def own_ring(environment: dict[str, str], database_role: RoleMaker, schema: str) -> AsyncIterator[OwnRing]:
    """A schema with the service's tables and an empty ring; ``schema`` names it."""
    own = {
        **environment,
        "DATABASE_URL": await database_role(schema),
        "DATABASE_OWNER_URL": "",
        "TOKEN_PRIVATE_KEY_FILE": "",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in own.items():
            patch.setenv(name, value)
        settings = UsersSettings()
    database = Database(settings.postgres, application_name="users-tests")
    await database.open()
    try:
        await migrate(database, SERVICE, [MIGRATIONS])
        yield OwnRing(own, settings, database)
    finally:
        await database.close()
