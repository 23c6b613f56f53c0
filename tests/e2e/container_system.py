"""The system as containers of the real docker-compose.yml, brought up and taken down by testcontainers."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.errors import APIError
from docker.models.containers import Container
from e2e_system import System, eventually, free_ports
from testcontainers.compose import DockerCompose

from local_stack import mode
from local_stack.state import State
from local_stack.system_ports import SystemPorts

SECRETS = "deploy/compose/generate_secrets.py"


class ContainerSystem(System):
    """A process is the container of its name; it is killed by the engine, which then leaves it to us to start it."""

    def pid(self, process: str) -> int:
        """Of the container's first process, 0 while it has none."""
        [found] = json.loads(self._docker("inspect", self._container(process)))
        return int(found["State"]["Pid"])

    def kill(self, process: str) -> None:
        """Kill -9 all that runs in the container, and start it again."""
        container = self._container(process)
        self._docker("kill", container)
        self._docker("start", container)

    def status(self) -> list[dict[str, Any]]:
        """Each container by name, whether it is ready, and its port where it has one."""
        return json.loads(self.run("status", "--json"))

    def until_ready(self, *, seconds: float = 240) -> None:
        """Wait until every container is; one that the engine has not asked yet is asked by the same command."""

        with closing(docker.from_env(environment=self.environment)) as engine:

            def ready() -> bool:
                own = {"label": self._project_label()}
                return all(map(_is_ready, engine.containers.list(all=True, filters=own, ignore_removed=True)))

            eventually(ready, seconds=seconds, what="every container ready")

    @contextmanager
    def frozen(self, process: str) -> Iterator[None]:
        """It lives and does nothing while the block runs."""
        container = self._container(process)
        self._docker("pause", container)
        try:
            yield
        finally:
            self._docker("unpause", container)

    def _container(self, process: str) -> str:
        def found() -> str:
            labels = f"label={self._project_label()}", f"label=com.docker.compose.service={process}"
            return self._docker("ps", "--all", "--quiet", "--filter", labels[0], "--filter", labels[1]).strip()

        return eventually(found, what=f"the container of {process}")

    def _project_label(self) -> str:
        return f"com.docker.compose.project={self.environment['COMPOSE_PROJECT_NAME']}"

    def _docker(self, *arguments: str) -> str:
        done = subprocess.run(
            ["docker", *arguments], env=self.environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, f"docker {arguments}: {done.stderr}"
        return done.stdout


def _is_ready(container: Container) -> bool:
    """As `make status` takes it, without the pause that the engine makes before it asks a new container."""
    state = container.attrs["State"]
    if state["Status"] == "exited":
        return state["ExitCode"] == 0 and container.attrs["HostConfig"]["RestartPolicy"]["Name"] == "on-failure"
    health = state.get("Health", {"Status": "healthy"})["Status"]
    if state["Status"] != "running" or health == "unhealthy":
        return False
    if health == "healthy":
        return True
    kind, *command = container.attrs["Config"]["Healthcheck"]["Test"]
    try:
        return container.exec_run(["sh", "-c", *command] if kind == "CMD-SHELL" else command).exit_code == 0
    except APIError:
        return False  # it has just ended


@contextmanager
def started_in_containers(repository: Path, **settings: str) -> Iterator[ContainerSystem]:
    """A system of the run's own on free ports, with volumes and secrets that end with it."""
    with (
        tempfile.TemporaryDirectory(prefix="gatehouse-e2e-") as folder,
        free_ports(7) as (gateway, users, orders, reports, traces, mail, rabbitmq),
        pytest.MonkeyPatch.context() as patch,
    ):
        state = Path(folder)
        own = {
            "MODE": "compose",
            "COMPOSE_PROJECT_NAME": state.name,
            "GATEHOUSE_STATE": folder,
            "GATEWAY_PORT": str(gateway),
            "USERS_PORT": str(users),
            "ORDERS_PORT": str(orders),
            "REPORTS_PORT": str(reports),
            "TRACES_PORT": str(traces),
            "MAIL_PORT": str(mail),
            "MAIL_PAGE_PORT": str(mail + 1),
            "RABBITMQ_MANAGEMENT_PORT": str(rabbitmq),
            **settings,
        }
        # testcontainers calls Compose with this process's environment.
        for name, value in own.items():
            patch.setenv(name, value)
        subprocess.run([sys.executable, repository / SECRETS, folder], check=True)
        mode.remember(State(state), "compose")
        State(state).write("compose.json", dict(SystemPorts.of(os.environ).chosen))
        with DockerCompose(repository, build=True, wait=True) as compose:
            urls = [
                f"http://{compose.get_service_host(name, port)}:{compose.get_service_port(name, port)}"
                for name, port in (("doorway", 8000), ("traces", 16686), ("mail", 8025))
            ]
            try:
                yield ContainerSystem(*urls, state, dict(os.environ))
            except BaseException:
                print("".join(compose.get_logs())[-20_000:])
                raise
