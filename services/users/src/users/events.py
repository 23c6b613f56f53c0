"""What the service says: accounts that came, changed and went. It hears nothing."""

from typing import Any

from shared.messaging import append_event
from shared.postgres import Connection
from users.domain.account import User

_SOURCE = "/services/users"


async def say_registered(connection: Connection, user: User) -> None:
    """An account was made."""
    await _say(connection, "users.registered.v1", user.id, _state(user))


async def say_updated(connection: Connection, user: User) -> None:
    """An account has other data now."""
    await _say(connection, "users.updated.v1", user.id, _state(user))


async def say_deleted(connection: Connection, user: User) -> None:
    """An account is gone; the version tops all it had, so that nothing older can bring it back."""
    await _say(connection, "users.deleted.v1", user.id, {"id": user.id, "version": user.version + 1})


def _state(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "name": user.name,
        "email": user.email,
        "role": user.role.value,
        "active": user.is_active,
        "created_at": user.created_at,
        "version": user.version,
    }


async def _say(connection: Connection, event_type: str, user_id: int, data: dict[str, Any]) -> None:
    await append_event(connection, type=event_type, source=_SOURCE, subject=f"users/{user_id}", data=data)
