"""The database, roles and schemas, by the one script that deployments use too."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from local_stack.services import SERVICES
from local_stack.state import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_stack.state import State

DATABASE = "gatehouse"
_SCRIPT = REPOSITORY / "deploy" / "postgres" / "roles.sql"


def passwords(state: State) -> dict[str, str]:
    """The generated password of each service's two roles: the one that serves and the owner of its schema."""
    return {role: state.secret(f"role-{role}") for service in SERVICES for role in (service, owner_of(service))}


def owner_of(service: str) -> str:
    """The role that owns the service's schema."""
    return f"{service}_owner"


def url_of(admin_url: str, *, database: str, role: str | None = None, password: str = "") -> str:
    """The admin's URL turned to another database and, if named, another role."""
    parts = urlsplit(admin_url)
    address = parts.netloc.rpartition("@")[2]
    netloc = parts.netloc if role is None else f"{role}:{password}@{address}"
    return urlunsplit(parts._replace(netloc=netloc, path=f"/{database}"))


async def apply_roles(admin_url: str, role_passwords: Mapping[str, str]) -> None:
    """Run `deploy/postgres/roles.sql` in the database of that URL; safe to run again."""
    settings = {f"gatehouse.{role}_password": value for role, value in role_passwords.items()}
    settings["gatehouse.services"] = ",".join(SERVICES)
    connection = await asyncpg.connect(admin_url, server_settings=settings)
    try:
        await connection.execute(_SCRIPT.read_text())
    finally:
        await connection.close()


async def ready_database(admin_url: str, state: State) -> None:
    """Make the database `gatehouse` when missing, and everything in it that the services need before they start."""
    connection = await asyncpg.connect(url_of(admin_url, database="postgres"))
    try:
        if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", DATABASE):
            await connection.execute(f"CREATE DATABASE {DATABASE}")
    finally:
        await connection.close()
    await apply_roles(url_of(admin_url, database=DATABASE), passwords(state))
