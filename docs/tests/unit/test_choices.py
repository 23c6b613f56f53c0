"""Choices that a dependency or an import would quietly undo (TRAPS.md, auth 8, FastAPI 2, 3 and 5)."""

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LOCKED = {package["name"] for package in tomllib.loads((ROOT / "uv.lock").read_text())["package"]}


@pytest.mark.parametrize("name", ["fastapi-users", "passlib", "python-jose"])
def test_auth_8_no_dead_library_is_locked(name: str):
    assert "fastapi" in LOCKED
    assert name not in LOCKED


def test_fastapi_2_one_module_of_the_services_imports_httpx():
    sources = [path for folder in ("shared/src", "gateway/src", *ROOT.glob("services/*/src")) for path in code(folder)]
    importing = {path.relative_to(ROOT).as_posix() for path in sources if imports(path, "httpx")}
    assert importing == {"shared/src/shared/http.py"}


def code(folder: str | Path) -> list[Path]:
    # What tests stand on may use what they like.
    return [path for path in (ROOT / folder).rglob("*.py") if "testing" not in path.parts]


def imports(path: Path, name: str) -> bool:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import) and any(alias.name.split(".")[0] == name for alias in node.names):
            return True
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == name:
            return True
    return False


def test_fastapi_3_fixtures_and_tests_have_one_loop(pytestconfig: pytest.Config):
    scopes = {pytestconfig.getini(f"asyncio_default_{kind}_loop_scope") for kind in ("fixture", "test")}
    assert scopes == {"session"}


def test_fastapi_5_the_system_of_containers_is_one_a_run_and_needs_no_ryuk():
    using = [path for path in (ROOT / "tests").rglob("*.py") if imports(path, "testcontainers")]
    assert [path.name for path in using] == ["container_system.py"]
    modules = {node.module for node in ast.walk(ast.parse(using[0].read_text())) if isinstance(node, ast.ImportFrom)}
    # Compose takes down what it brought up; Ryuk is there for single containers.
    assert {module for module in modules if module and "testcontainers" in module} == {"testcontainers.compose"}
    conftest = ast.parse((ROOT / "tests" / "conftest.py").read_text())
    [system] = [node for node in ast.walk(conftest) if isinstance(node, ast.FunctionDef) and node.name == "system"]
    assert [ast.unparse(decorator) for decorator in system.decorator_list] == ["pytest.fixture(scope='session')"]
