"""The demo accounts, outside production only: ``python -m users.seeding``."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

import structlog

from shared.logs import configure_logs
from shared.postgres import Database, ready_schema
from shared.settings import Environment, wrong_settings_in_words
from users import accounts
from users.domain.account import EmailTaken, Role
from users.domain.emails import email_key
from users.hashing import Passwords
from users.main import MIGRATIONS, SERVICE
from users.settings import PasswordSettings, WorkerSettings
from users.store import users as store

log = structlog.stdlib.get_logger(__name__)


class SeedRefusedError(Exception):
    """There are no demo accounts in production: their passwords stand in the README."""


@dataclass(frozen=True)
class DemoAccount:
    """An account whose password everybody knows."""

    name: str
    email: str
    password: str
    role: Role


DEMO_ACCOUNTS = (
    DemoAccount("Admin", "admin@example.com", "Admin12345", Role.ADMIN),
    DemoAccount("Demo User", "demo@example.com", "Demo12345", Role.USER),
)


async def seed(database: Database, environment: Environment) -> int:
    """Make the demo accounts that are not there; how many were made. Raises SeedRefusedError.

    They are made as any account is, so their events tell the other services. Two that seed at once
    make each account once: the address is unique.
    """
    if environment is Environment.PRODUCTION:
        raise SeedRefusedError("demo accounts are not made in production")
    passwords = Passwords(PasswordSettings())
    made = 0
    try:
        for demo in DEMO_ACCOUNTS:
            async with database.acquire() as connection:
                if await store.find_credentials(connection, email_key(demo.email)) is not None:
                    continue
            password_hash = await passwords.hash(demo.password)
            with suppress(EmailTaken):
                async with database.transaction() as connection:
                    user_id, _ = await store.draw(connection)
                    await accounts.register(
                        connection,
                        user_id,
                        name=demo.name,
                        email=demo.email,
                        password_hash=password_hash,
                        role=demo.role,
                        email_verified=True,
                    )
                made += 1
    finally:
        passwords.close()
    log.info("demo_accounts_seeded", made=made)
    return made


async def _run(settings: WorkerSettings) -> None:
    database = Database(settings.postgres, application_name="users-seed")
    await database.open()
    try:
        await ready_schema(database, settings.postgres, SERVICE, [MIGRATIONS])
        await seed(database, settings.environment)
    finally:
        await database.close()


def main() -> None:
    """Seed by the environment's settings."""
    with wrong_settings_in_words(SERVICE):
        settings = WorkerSettings()
    configure_logs(SERVICE, settings.telemetry.log_level)
    try:
        asyncio.run(_run(settings))
    except SeedRefusedError as error:
        raise SystemExit(f"users: {error}") from None


if __name__ == "__main__":
    main()
