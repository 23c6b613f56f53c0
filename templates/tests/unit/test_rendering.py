"""The template, for the shortest and the longest name: in form, whole, and nothing of another name in it."""

import ast
import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from client_generator.documents import operations, read_documents
from client_generator.modules import FOLDER, modules
from new_service.code_places import code_places
from new_service.insertions import apply
from new_service.names import CLIENT_METHODS
from new_service.rendering import answers_file

if TYPE_CHECKING:
    from conftest import Made

ROOT = Path(__file__).parents[3]


def test_it_is_in_form(made: "Made"):
    (made.tree / "pyproject.toml").write_text(
        (ROOT / "pyproject.toml").read_text().replace('"new_service"', f'"new_service", "{made.naming.name}"', 1)
    )
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "services"],
            cwd=made.tree,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout


def test_nothing_is_left_unfilled_and_nothing_is_anothers(made: "Made"):
    name = made.naming.name
    files = [path for path in made.tree.rglob("*") if path.is_file() and ".ruff_cache" not in path.parts]
    assert made.tree / answers_file(name) in files
    assert made.tree / f"deploy/kubernetes/base/{name}.yaml" in files
    for path in files:
        text = f"{path}\n{path.read_text()}"
        assert "{[" not in text, path
        assert path.name == "pyproject.toml" or "orders" not in text.lower(), path
        assert "jinja" not in path.name


def test_the_client_has_all_its_methods(made: "Made"):
    name, item = made.naming.name, made.naming.item
    table = tomllib.loads(apply(ROOT, code_places(made.naming))[ROOT / CLIENT_METHODS])
    document = json.loads((made.tree / "services" / name / "openapi.json").read_text())
    operations({**read_documents(), name: document})  # none is called as one of another service
    written = modules({name: document}, {name: table[name]})
    module = ast.parse(written[FOLDER / "resources" / f"{name}.py"])
    blocking, asynchronous = [node for node in module.body if isinstance(node, ast.ClassDef)]
    assert asynchronous.name == f"Async{blocking.name}"
    for one in (blocking, asynchronous):
        methods = {node.name for node in one.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert methods == {"__init__", "list", "create", "get", "change", "delete"}
    assert f"self.{name} = {blocking.name}(caller)" in written[FOLDER / "resources" / "all.py"]
    assert f"class {item.title()}(Model):" in written[FOLDER / "models" / f"{name}.py"]
