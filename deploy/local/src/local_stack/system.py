"""The whole system as one table of programs."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from local_stack import embedded
from local_stack.doorway import workers_asked
from local_stack.ports import HOST
from local_stack.program import HttpProbe, Program
from local_stack.services import SERVICES
from local_stack.system_ports import SystemPorts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from local_stack.state import State

_PRODUCTION = "production"
_STOP_SECONDS = 25.0
"""More than a service takes to drain what it has begun (HTTP_DRAIN_SECONDS)."""
_SINK_RANK, _SERVICE_RANK, _GATEWAY_RANK = 2, 3, 4
"""The gateway goes first, and what catches the last spans and mails goes after the services."""


@dataclass(frozen=True)
class _Process:
    """A process of ours: its module, its port, and what only it is told."""

    name: str
    module: tuple[str, ...]
    port: int
    settings: Mapping[str, str]
    after: tuple[str, ...] = ()
    stop_rank: int = _SERVICE_RANK
    listeners: int = 0


def signing_key(state: State) -> Path:
    """The Ed25519 key that tokens are signed with at first, made once."""
    path = state.folder("keys") / "users.pem"
    if not path.exists():
        pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        new = path.with_suffix(".new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
        new.replace(path)
    return path


def fernet_key(state: State, name: str) -> Path:
    """32 random bytes in base64url, made once: a key that secrets are kept with, or a secret of two processes."""
    path = state.folder("keys") / f"{name}.key"
    if not path.exists():
        new = path.with_suffix(".new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(Fernet.generate_key())
        new.replace(path)
    return path


def system_plan(state: State, environment: Mapping[str, str]) -> list[Program]:
    """Servers, trace receiver, mail sink, the services with their workers, the gateway."""
    ports = SystemPorts.of(environment)
    servers = embedded.servers(state, environment)
    server_programs = embedded.programs(state, environment, durable=True)
    common = _common_settings(environment, ports)
    # The services wait for Redis and RabbitMQ by themselves; their role must be there before they log in.
    database = tuple(program.name for program in server_programs if program.name == "postgres")
    traces = {"TRACES_FILE": str(state.root / "traces.sqlite")}
    mail = {"SMTP_PORT": str(ports.mail), "MAIL_DIR": str(state.folder("mail"))}
    processes = [
        _Process("traces", ("local_stack.traces",), ports.chosen["traces"], traces, stop_rank=_SINK_RANK),
        _Process("mail", ("local_stack.mail",), ports.mail + 1, mail, stop_rank=_SINK_RANK),
    ]
    for service in SERVICES:
        own = _service_settings(service, state, ports) | {
            "DATABASE_URL": servers.database_url(service),
            "DATABASE_OWNER_URL": servers.owner_database_url(service),
            "REDIS_URL": servers.redis_url_of(service),
            "AMQP_URL": servers.amqp_url_of(service),
        }
        port = ports.chosen[service]
        processes.append(_Process(service, (f"{service}.main",), port, own, database, listeners=1))
        processes.append(_Process(f"{service}-worker", (f"{service}.worker",), port + 1, own, database, listeners=1))
    own = _gateway_settings(environment, ports) | {
        "GATEWAY_CLIENT_SECRET_FILE": str(fernet_key(state, "gateway_client")),
        "REDIS_URL": servers.redis_url_of("gateway"),
    }
    sockets = workers_asked(environment)
    processes.append(
        _Process("gateway", ("gateway", "run"), ports.chosen["gateway"], own, database, _GATEWAY_RANK, sockets)
    )
    return server_programs + [_program(process, state, common) for process in processes]


def _program(process: _Process, state: State, common: Mapping[str, str]) -> Program:
    return Program(
        name=process.name,
        command=(sys.executable, "-m", *process.module),
        environment={"HTTP_HOST": HOST} | dict(common) | dict(process.settings) | {"HTTP_PORT": str(process.port)},
        directory=state.root,
        after=process.after,
        stop_rank=process.stop_rank,
        stop_seconds=_STOP_SECONDS,
        port=process.port,
        listeners=process.listeners,
        probe=HttpProbe(process.port),
    )


def _common_settings(environment: Mapping[str, str], ports: SystemPorts) -> dict[str, str]:
    kept = {
        name: value
        for name, value in environment.items()
        # A secret's file would win over, or fight with, the URL that is set below; and HTTP_HOST is the gateway's.
        if name
        not in {
            "DATABASE_URL",
            "DATABASE_URL_FILE",
            "DATABASE_OWNER_URL_FILE",
            "REDIS_URL",
            "AMQP_URL",
            "REDIS_URL_FILE",
            "AMQP_URL_FILE",
            "HTTP_HOST",
            "HTTP_PORT",
        }
    }
    stage = environment.get("ENVIRONMENT") or "development"
    return kept | {
        "ENVIRONMENT": stage,
        "SEED_DEMO_DATA": environment.get("SEED_DEMO_DATA") or ("false" if stage == _PRODUCTION else "true"),
        "LOG_LEVEL": environment.get("LOG_LEVEL") or "INFO",
        "PYTHONUNBUFFERED": "1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": environment.get("OTEL_EXPORTER_OTLP_ENDPOINT") or ports.url("traces"),
        "TOKEN_ISSUER": environment.get("TOKEN_ISSUER") or ports.url("gateway"),
        "PUBLIC_URL": environment.get("PUBLIC_URL") or ports.url("gateway"),
        "TOKEN_AUDIENCE": "gatehouse",
        "JWKS_URL": f"{ports.url('users')}/.well-known/jwks.json",
    }


def _service_settings(service: str, state: State, ports: SystemPorts) -> dict[str, str]:
    match service:
        case "users":
            return {
                "TOKEN_PRIVATE_KEY_FILE": str(signing_key(state)),
                "GATEWAY_CLIENT_SECRET_FILE": str(fernet_key(state, "gateway_client")),
                "SECOND_FACTOR_KEY_FILE": str(fernet_key(state, "second_factor")),
                "SIGNING_KEYS_KEY_FILE": str(fernet_key(state, "signing_keys")),
                "SMTP_URL": f"smtp://{HOST}:{ports.mail}",
                "AVATARS_DIR": str(state.folder("avatars")),
            }
        case "orders":
            return {"ORDERS_DIR": str(state.folder("orders"))}
        case "reports":
            return {
                "SMTP_URL": f"smtp://{HOST}:{ports.mail}",
                "REPORTS_DIR": str(state.folder("reports")),
                "WEBHOOKS_KEY_FILE": str(fernet_key(state, "webhooks")),
            }
        case _:
            return {}


def _gateway_settings(environment: Mapping[str, str], ports: SystemPorts) -> dict[str, str]:
    return {
        "HTTP_HOST": environment.get("HTTP_HOST") or HOST,
        "TRACES_URL": ports.url("traces"),
        "CONSOLE_TRACES_API": ports.url("traces"),
        # The workers: they have the outboxes, queues and jobs.
        "CONSOLE_METRICS": ",".join(f"{name}=http://{HOST}:{port}/metrics" for name, port in _worker_ports(ports)),
        **{f"{service.upper()}_URL": ports.url(service) for service in SERVICES},
    }


def _worker_ports(ports: SystemPorts) -> Iterator[tuple[str, int]]:
    for service in SERVICES:
        yield f"{service}-worker", int(ports.url(service).rpartition(":")[2]) + 1
