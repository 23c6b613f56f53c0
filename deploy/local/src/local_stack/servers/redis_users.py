"""The users of Redis: one for each kind of process, with its own keys and no other's.

Standard library only: ``deploy/compose/generate_secrets.py`` makes the same lines on a machine without the venv.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

GATEWAY = "gateway"
_ISSUER = "users"
"""The service that tells which tokens have ended; everybody reads it."""

# What touches keys or channels is held to those of the user. Left out: what tells of others' keys (SCAN, RANDOMKEY,
# PUBSUB), and what is the whole server's (FLUSHALL, CONFIG, FUNCTION, SCRIPT FLUSH ...).
_COMMANDS = (
    "-@all +@connection +@read +@write +@pubsub +@scripting +@transaction +time -@dangerous"
    " -scan -randomkey -dbsize -pubsub -function -fcall -fcall_ro -script +script|load"
    " +cluster|slots +cluster|shards +cluster|nodes"
)
_KEYS = {
    # Limits and kept answers.
    GATEWAY: "~gatehouse:* %R~tokens:revoked*",
    # INFO tells one Redis from another, so that a new one is told all that ended.
    _ISSUER: "~users:* ~tokens:revoked* &jobs:users:* +info",
}


def names(services: Iterable[str]) -> list[str]:
    """Who has a user."""
    return [GATEWAY, *services]


def user_lines(passwords: Mapping[str, str]) -> str:
    """Lines ``user ...`` of a configuration (Redis 7, Valkey), one for each name and password.

    The file holds hashes; ``default`` stays the administrator, whose password no process is given.
    """
    return "".join(_line(name, password) for name, password in passwords.items())


def _line(name: str, password: str) -> str:
    own = _KEYS.get(name, f"~{name}:* %R~tokens:revoked* &jobs:{name}:*")
    digest = hashlib.sha256(password.encode()).hexdigest()
    return f"user {name} on #{digest} resetkeys resetchannels {_COMMANDS} {own}\n"
