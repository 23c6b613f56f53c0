"""The services are those of services/, each on the port that it names."""

import re
from pathlib import Path

import pytest

from local_stack.errors import LocalStackError
from local_stack.services import SERVICES, found_services
from local_stack.state import REPOSITORY
from local_stack.system_ports import SystemPorts


def service(root: Path, name: str, text: str) -> None:
    folder = root / "services" / name
    folder.mkdir(parents=True)
    (folder / "pyproject.toml").write_text(text)


def test_they_come_in_the_order_of_their_ports(tmp_path: Path):
    service(tmp_path, "apples", "[tool.gatehouse]\nport = 9010\n")
    service(tmp_path, "pears", "[tool.gatehouse]\nport = 8010\n")
    (tmp_path / "services" / "left-over").mkdir()
    assert list(found_services(tmp_path).items()) == [("pears", 8010), ("apples", 9010)]


@pytest.mark.parametrize("text", ["", "[tool.gatehouse]\nport = '8010'\n"])
def test_one_without_a_port_is_an_error(tmp_path: Path, text: str):
    service(tmp_path, "apples", text)
    with pytest.raises(LocalStackError, match="names no port"):
        found_services(tmp_path)


def test_a_worker_has_the_next_port(tmp_path: Path):
    service(tmp_path, "apples", "[tool.gatehouse]\nport = 9010\n")
    service(tmp_path, "pears", "[tool.gatehouse]\nport = 9011\n")
    with pytest.raises(LocalStackError, match="apples or its worker has"):
        found_services(tmp_path)


@pytest.mark.parametrize("name", SERVICES)
def test_image_and_compose_say_the_same_port(name: str):
    port = found_services(REPOSITORY)[name]
    assert re.search(rf"HTTP_PORT={port}\b", (REPOSITORY / "services" / name / "Dockerfile").read_text())
    compose = (REPOSITORY / "docker-compose.yml").read_text()
    assert f'127.0.0.1:${{{name.upper()}_PORT:-{port}}}:{port}"' in compose


@pytest.mark.parametrize("change", [{"apples": 9010}, {"orders": None}])
def test_a_system_that_runs_without_one_or_with_one_more_is_not_up_already(change: dict[str, int | None]):
    ports = SystemPorts.of({})
    ports.require_same_processes()
    chosen = {name: port for name, port in {**ports.chosen, **change}.items() if port is not None}
    with pytest.raises(LocalStackError, match=f"{next(iter(change))}: come or gone .* `make down`, then `make up`"):
        SystemPorts(chosen).require_same_processes()
