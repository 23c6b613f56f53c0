"""What is contained: the Compose file and the Dockerfiles, read as they are."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from local_stack.services import SERVICES
from local_stack.state import REPOSITORY

COMPOSE: dict[str, Any] = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())
CONTAINERS: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILES = sorted(
    path for path in REPOSITORY.rglob("*Dockerfile") if not {".venv", ".state", "node_modules"} & set(path.parts)
)
OURS = [path for path in DOCKERFILES if path.parent.name in {"gateway", *SERVICES}]
SECRET_NAME = re.compile(r"PASSWORD|SECRET|TOKEN|PRIVATE|_KEY$|(DATABASE|OWNER|REDIS|AMQP)_URL$")
NO_SECRET = {"TOKEN_ISSUER", "TOKEN_AUDIENCE", "TOKEN_ALGORITHM"}


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_container_has_a_root_that_nobody_writes_no_capability_and_limits(name: str):
    container = CONTAINERS[name]
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert not container.get("cap_add")
    assert not container.get("privileged")
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert container["pids_limit"]
    assert container["mem_limit"]
    assert not {"network_mode", "pid", "ipc", "userns_mode", "devices"} & set(container)
    assert not [mount for mount in container.get("volumes", []) if "docker.sock" in str(mount)]


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_container_is_published_to_this_machine_alone_unless_asked_otherwise(name: str):
    for port in CONTAINERS[name].get("ports", []):
        assert port.startswith("${HTTP_HOST:-127.0.0.1}:" if name == "doorway" else "127.0.0.1:")


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_containers_secrets_are_files(name: str):
    environment = CONTAINERS[name].get("environment") or {}
    named = {variable for variable, value in environment.items() if value and SECRET_NAME.search(variable)}
    assert {variable for variable in named - NO_SECRET if not variable.endswith("_FILE")} == set()
    for variable, value in environment.items():
        if variable.endswith("_FILE") and SECRET_NAME.search(variable):
            mounted = [one if isinstance(one, str) else one["target"] for one in CONTAINERS[name]["secrets"]]
            assert Path(value).parent == Path("/run/secrets")
            assert Path(value).name in mounted
    arguments = str(CONTAINERS[name].get("command", "")) + str((CONTAINERS[name].get("build") or {}).get("args", ""))
    assert not re.search(r"password|secret=", arguments, re.IGNORECASE)


@pytest.mark.parametrize("name", ["gateway", *SERVICES, *(f"{service}-worker" for service in SERVICES)])
def test_only_the_step_has_the_owners_url(name: str):
    assert not [secret for secret in CONTAINERS[name]["secrets"] if "owner" in str(secret)]
    if name != "gateway":
        step = f"{name.removesuffix('-worker')}-migrations"
        assert CONTAINERS[name]["depends_on"][step] == {"condition": "service_completed_successfully"}
        assert CONTAINERS[step]["command"] == ["python", "-m", f"{name.removesuffix('-worker')}.migrate"]
        assert CONTAINERS[step]["secrets"] == [f"{name.removesuffix('-worker')}_owner_database_url"]


@pytest.mark.parametrize("name", ["gateway", *SERVICES, *(f"{service}-worker" for service in SERVICES)])
def test_a_process_has_the_urls_of_its_own_users_alone(name: str):
    given = {one["source"] for one in CONTAINERS[name]["secrets"] if isinstance(one, dict)}
    user = name.removesuffix("-worker")
    assert given == {f"{user}_redis_url"} | ({f"{user}_amqp_url"} if user != "gateway" else set())
    assert not [one for one in CONTAINERS[name]["secrets"] if str(one).startswith(("redis", "rabbitmq"))]


def test_what_keeps_data_and_what_works_has_no_way_out():
    assert COMPOSE["networks"]["back"]["internal"] is True
    inside = {"postgres", "postgres-roles", "redis", "users-worker", "orders-worker", "users-migrations"}
    assert {name for name in inside if CONTAINERS[name]["networks"] != ["back"]} == set()


def test_each_image_is_settable():
    for container in CONTAINERS.values():
        assert re.fullmatch(r"\$\{[A-Z_]+_IMAGE:-[^}:]+:[^}:]+\}", container["image"])
        assert not container["image"].endswith(":latest}")


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.parent.name)
def test_an_image_of_ours_runs_as_a_number_that_is_not_root(path: Path):
    text = path.read_text()
    last_stage = text[text.rindex("\nFROM ") :]
    assert re.search(r"^USER [1-9]\d+:[1-9]\d+$", last_stage, re.MULTILINE)
    assert not re.search(r"^USER ", last_stage.partition("\nUSER ")[2], re.MULTILINE)
    assert "HEALTHCHECK" in last_stage
    assert re.search(r"^FROM \$\{PYTHON_IMAGE\}", text, re.MULTILINE)
    assert "uv sync --frozen" in text


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_a_layer_holds_no_secret_and_nothing_that_was_fetched_unseen(path: Path):
    text = path.read_text()
    assert not re.search(r"^ADD ", text, re.MULTILINE), "COPY: an ADD fetches and unpacks"
    assert not re.search(r"(curl|wget)[^|\n]*\|\s*(ba)?sh", text)
    for line in re.findall(r"^(?:ENV|ARG) .*$", text, re.MULTILINE):
        assert not [word for word in re.findall(r"([A-Z_]+)=", line) if SECRET_NAME.search(word)]
    ignored = (REPOSITORY / ".dockerignore").read_text().split()
    assert {".state", ".git", ".venv"} <= {line.removeprefix("**/").rstrip("/") for line in ignored} or "*" in ignored
