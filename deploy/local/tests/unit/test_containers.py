"""Compose mode: the secrets that containers get, and what counts as ready."""

import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from local_stack import containers
from local_stack.services import SERVICES
from local_stack.state import REPOSITORY, State

SCRIPT = REPOSITORY / "deploy" / "compose" / "generate_secrets.py"


def generate(state: Path) -> Path:
    # -I -S: by the standard library alone, as on a machine without the project's venv.
    subprocess.run([sys.executable, "-I", "-S", str(SCRIPT), str(state)], check=True)
    return state / "compose" / "secrets"


def test_the_signing_key_is_an_ed25519_key_that_signs(tmp_path: Path):
    key = load_pem_private_key((generate(tmp_path) / "signing_key.pem").read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    key.public_key().verify(key.sign(b"token"), b"token")


def test_secrets_are_made_once_and_closed_to_others(tmp_path: Path):
    folder = generate(tmp_path)
    before = {path.name: path.read_text() for path in folder.iterdir()}
    assert {path.name: path.read_text() for path in generate(tmp_path).iterdir()} == before
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    passwords = [content for name, content in before.items() if name.endswith("_password")]
    assert len(set(passwords)) == len(passwords) == 5 + 4 * len(SERVICES)


def test_urls_follow_a_changed_password(tmp_path: Path):
    folder = generate(tmp_path)
    (folder / "orders_password").write_text("another")
    generate(tmp_path)
    assert (folder / "orders_database_url").read_text() == "postgresql://orders:another@postgres:5432/gatehouse"


def test_every_secret_that_compose_mounts_is_generated(tmp_path: Path):
    mounted = re.findall(r"/compose/secrets/([\w.]+)\"", (REPOSITORY / "docker-compose.yml").read_text())
    assert mounted
    assert set(mounted) <= {path.name for path in generate(tmp_path).iterdir()}


@pytest.mark.parametrize(
    ("container", "ready"),
    [
        ({"Service": "orders", "State": "running", "Health": "healthy"}, True),
        ({"Service": "orders", "State": "running", "Health": "starting"}, False),
        ({"Service": "orders", "State": "running", "Health": "unhealthy"}, False),
        ({"Service": "orders", "State": "exited", "Health": "", "ExitCode": 0}, False),
        ({"Service": "orders", "State": "restarting", "Health": ""}, False),
        ({"Service": "traces", "State": "running", "Health": ""}, True),
        ({"Service": "postgres-roles", "State": "exited", "Health": "", "ExitCode": 0}, True),
        ({"Service": "postgres-roles", "State": "exited", "Health": "", "ExitCode": 2}, False),
        ({"Service": "users-migrations", "State": "exited", "Health": "", "ExitCode": 0}, True),
        ({"Service": "users-migrations", "State": "exited", "Health": "", "ExitCode": 1}, False),
    ],
)
def test_ready_is_healthy_or_done(container: dict[str, object], *, ready: bool):
    assert containers._ready(container) is ready


def test_two_state_folders_are_two_projects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("COMPOSE_PROJECT_NAME", raising=False)
    names = {containers._project(State(root)) for root in (REPOSITORY / ".state", tmp_path / "a", tmp_path / "b")}
    assert len(names) == 3
    assert "gatehouse" in names


def test_images_are_built_by_the_uv_that_the_makefile_installs():
    makefile = re.search(r"^UV_VERSION := (\S+)$", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    assert makefile
    files = [*REPOSITORY.glob("services/*/Dockerfile"), REPOSITORY / "gateway" / "Dockerfile"]
    assert len(files) >= 4
    for file in [*files, REPOSITORY / "deploy" / "images" / "traces" / "Dockerfile"]:
        assert re.findall(r"(?:UV_VERSION=|uv==)(\d\S*)", file.read_text()) == [makefile[1]], file
