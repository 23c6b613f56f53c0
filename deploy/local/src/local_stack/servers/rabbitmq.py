"""RabbitMQ: a private node with the management plugin and an epmd of its own."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from local_stack.errors import MissingProgramError
from local_stack.ports import HOST
from local_stack.program import HttpProbe, Program, TcpProbe
from local_stack.servers import STOP_RANK, installing, rabbitmq_users
from local_stack.services import SERVICES
from local_stack.state import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_stack.state import State

PACKAGE = "rabbitmq-server"
_ADMIN = rabbitmq_users.ADMINISTRATOR
_SCRIPTS = (
    "/usr/lib/rabbitmq/bin/rabbitmq-server",
    "/opt/homebrew/sbin/rabbitmq-server",
    "/usr/local/sbin/rabbitmq-server",
)
PORTS = ("amqp", "amqp_management", "amqp_distribution", "epmd")


def find_program() -> Path | None:
    """RabbitMQ's own start script, not Debian's wrapper in /usr/sbin, which insists on the user rabbitmq."""
    return next((Path(path) for path in _SCRIPTS if Path(path).exists()), None)


def require_program(state: State) -> Path:
    """The start script, installed by apt when missing and possible."""
    script = find_program()
    if script is None and installing.can_install():
        installing.install(PACKAGE, state)
        script = find_program()
    if script is None:
        raise MissingProgramError(
            "RabbitMQ is missing and apt can't be used here; one of: use Docker (MODE=compose), install it "
            "(`apt install rabbitmq-server`, `brew install rabbitmq`), or set AMQP_URL to a broker that runs"
        )
    return script


def amqp_url(state: State, ports: Mapping[str, int]) -> str:
    """The administrator's URL of the broker, virtual host `/`."""
    return f"amqp://{_ADMIN}:{state.secret('rabbitmq')}@{HOST}:{ports['amqp']}/"


def amqp_urls(state: State, ports: Mapping[str, int]) -> dict[str, str]:
    """The URL of each service's user."""
    return {name: f"amqp://{name}:{word}@{HOST}:{ports['amqp']}/" for name, word in _passwords(state).items()}


def _passwords(state: State) -> dict[str, str]:
    return {service: state.secret(f"rabbitmq-{service}") for service in SERVICES}


def management_url(state: State, ports: Mapping[str, int]) -> str:
    """The URL of the management API, with the administrator's password."""
    return f"http://{_ADMIN}:{state.secret('rabbitmq')}@{HOST}:{ports['amqp_management']}"


def prepare(state: State, ports: Mapping[str, int]) -> None:
    """Write the node's configuration for these ports."""
    folder = state.folder("rabbitmq")
    (folder / "enabled_plugins").write_text("[rabbitmq_management].\n")
    definitions = folder / "definitions.json"
    definitions.touch(mode=0o600)
    said = {service: rabbitmq_users.said_by(REPOSITORY, service) for service in SERVICES}
    definitions.write_text(rabbitmq_users.definitions(state.secret("rabbitmq"), _passwords(state), said))
    configuration = folder / "rabbitmq.conf"
    configuration.touch(mode=0o600)
    configuration.write_text(
        f"listeners.tcp.1 = {HOST}:{ports['amqp']}\n"
        f"management.tcp.ip = {HOST}\nmanagement.tcp.port = {ports['amqp_management']}\n"
        f"load_definitions = {definitions}\n"
        "disk_free_limit.absolute = 100MB\n"
        "log.console = true\nlog.console.level = info\nlog.file = false\n"
    )


def programs(state: State, ports: Mapping[str, int]) -> list[Program]:
    """The node's port mapper and the node."""
    folder = state.folder("rabbitmq")
    name = f"gatehouse-{hashlib.sha256(str(state.root).encode()).hexdigest()[:10]}@localhost"
    epmd_environment = {"ERL_EPMD_PORT": str(ports["epmd"]), "ERL_EPMD_ADDRESS": HOST}
    common = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": str(folder), "LC_ALL": "C.UTF-8"}
    environment = common | epmd_environment | {
        "RABBITMQ_NODENAME": name,
        "RABBITMQ_NODE_PORT": str(ports["amqp"]),
        "RABBITMQ_DIST_PORT": str(ports["amqp_distribution"]),
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
        "RABBITMQ_CONF_ENV_FILE": str(folder / "rabbitmq-env.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        "RABBITMQ_GENERATED_CONFIG_DIR": str(folder / "config"),
        # The script then becomes the Erlang VM, which takes SIGTERM as the wish to stop in order.
        "RUNNING_UNDER_SYSTEMD": "1",
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none",
    }  # fmt: skip
    epmd = shutil.which("epmd") or "epmd"
    return [
        Program(
            name="epmd",
            command=(epmd, "-port", str(ports["epmd"]), "-address", HOST),
            environment=common | epmd_environment,
            port=ports["epmd"],
            probe=TcpProbe(ports["epmd"]),
        ),
        Program(
            name="rabbitmq",
            command=(str(require_program(state)),),
            environment=environment,
            after=("epmd",),
            port=ports["amqp"],
            probe=HttpProbe(ports["amqp_management"], "/"),
            stop_rank=STOP_RANK,
            stop_seconds=30.0,
        ),
    ]
