"""What a running service holds, made at start and handed to who needs it."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from redis.asyncio import Redis

from shared.identity.verifier import TokenVerifier
from shared.postgres import Database, Replica
from shared.settings import ServiceSettings


@dataclass(frozen=True)
class Resources:
    """One a process. ``service`` is what the service itself adds (its mailer, its signer ...).

    ``draining`` is set at SIGTERM: a long answer (an event stream) ends itself when it is.
    """

    settings: ServiceSettings
    database: Database
    redis: Redis
    tokens: TokenVerifier
    replica: Replica
    draining: asyncio.Event = field(default_factory=asyncio.Event)
    service: Any = None
