"""What was made goes without a trace; what was there before is left, and what can't go is refused in words."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from gateway.routes.load import load_routes
from new_service.code_places import code_places
from new_service.deploy_places import deploy_places
from new_service.errors import ScaffoldError
from new_service.insertions import apply
from new_service.removal import removable, without
from new_service.taking_out import blocks, dictionary_entries, functions, list_items, routes_to, section

if TYPE_CHECKING:
    from conftest import Made

ROOT = Path(__file__).parents[3]
SERVICES = sorted(path.parent.name for path in ROOT.glob("services/*/pyproject.toml"))
CODE = ["gateway/src", "shared/src", *(f"services/{name}/src" for name in SERVICES)]


def grown(made: "Made", tree: Path) -> dict[str, str]:
    """The files of the tree that list services, as they are; in ``tree`` they have one more."""
    naming = made.naming
    places = [*code_places(naming), *deploy_places(naming)]
    for folder in CODE:
        shutil.copytree(ROOT / folder, tree / folder, ignore=shutil.ignore_patterns("__pycache__", "assets"))
    shutil.copytree(made.tree / "services" / naming.name, tree / "services" / naming.name)
    was = {place.file: (ROOT / place.file).read_text() for place in places}
    for file, text in was.items():
        (tree / file).parent.mkdir(parents=True, exist_ok=True)
        (tree / file).write_text(text)
    for path, text in apply(tree, places).items():
        path.write_text(text)
    subprocess.run([sys.executable, "-m", "ruff", "format", "-q", "tests/security"], cwd=tree, check=True)
    return was


def test_what_was_made_goes_without_a_trace(made: "Made", tmp_path: Path):
    was = grown(made, tmp_path)
    assert all((tmp_path / file).read_text() != text for file, text in was.items())
    for path, text in without(tmp_path, made.naming.name).items():
        path.write_text(text)
    assert [file for file, text in was.items() if (tmp_path / file).read_text() != text] == []


def test_so_does_what_its_team_wrote_beside_it(made: "Made", tmp_path: Path):
    was, name = grown(made, tmp_path), made.naming.name
    routes = tmp_path / "gateway/src/gateway/routes.toml"
    route = f'\n# Slow.\n[[routes]]\npath = "/api/{name}/totals"\nmethods = ["GET"]\nupstream = "{name}"\n'
    routes.write_text(f'{routes.read_text()}{route}\n[routes.timeouts]\ntotal = "9s"\n')
    matrix = tmp_path / "tests/security/access_matrix.txt"
    matrix.write_text(f"{matrix.read_text()}GET    /{name}/totals    401 200 - 200 403 403 200 403\n")
    compose = tmp_path / "docker-compose.yml"
    compose.write_text(compose.read_text().replace(f"  {name.upper()}_LIMIT:\n", f"  {name.upper()}_LIMIT:\n  MORE:\n"))
    for path, text in without(tmp_path, name).items():
        path.write_text(text)
    assert [file for file, text in was.items() if (tmp_path / file).read_text() != text] == []


@pytest.mark.parametrize("name", [name for name in SERVICES if name != "users"])
def test_what_is_left_without_one_of_ours_reads(name: str, tmp_path: Path):
    texts = {path.relative_to(ROOT).as_posix(): text for path, text in without(ROOT, name).items()}
    for file, text in texts.items():
        if file.endswith(".toml"):
            assert tomllib.loads(text)
        elif file.endswith((".yaml", "compose.yml")):
            assert list(yaml.safe_load_all(text))
        elif file.endswith(".py"):
            assert ast.parse(text)
    (tmp_path / "routes.toml").write_text(texts["gateway/src/gateway/routes.toml"])
    left = load_routes(tmp_path / "routes.toml", {})
    assert {route.upstream for route in left.routes} == {*SERVICES} - {name}
    compose = yaml.safe_load(texts["docker-compose.yml"])
    assert {"users", "users-worker", "gateway", "redis"} < compose["services"].keys()
    assert not re.search(rf"\b{name}\b", texts["docker-compose.yml"])
    assert not re.search(rf"\b{name}\b", texts["pyproject.toml"])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "say which"),
        ("nothing", "say which"),
        ("users", "signs the tokens"),
        ("apples", r"pears hears apples\.eaten\.v1; take pears out first"),
    ],
)
def test_what_can_not_go_is_refused_in_words(name: str, said: str, tmp_path: Path):
    for service in ("users", "apples", "pears"):
        (tmp_path / "services" / service).mkdir(parents=True)
        (tmp_path / "services" / service / "pyproject.toml").touch()
        (tmp_path / "services" / service / "asyncapi.json").write_text('{"channels": {"apples.eaten.v1": {}}}')
    (tmp_path / "services" / "users" / "asyncapi.json").write_text("{}")
    removable(tmp_path, "pears")
    with pytest.raises(ScaffoldError, match=said):
        removable(tmp_path, name)


def test_the_ways_to_take_out():
    assert list_items("b")("l: [a, b, c]\nm: [b]\nn: [b, bb]\n") == "l: [a, c]\nm: []\nn: [bb]\n"
    assert blocks("  b:")("  a:\n    b: 1\n\n  b:\n    c: 1\n\n  # d\n  d: 1\n") == "  a:\n    b: 1\n\n  # d\n  d: 1\n"
    assert section("## B")("## A\n1\n\n## B\n2\n\n## C\n") == "## A\n1\n\n## C\n"
    assert functions({"_b"})("class A:\n    def _a(self): ...\n\n    def _b(self): ...\n\n    def _c(self): ...\n") == (
        "class A:\n    def _a(self): ...\n\n    def _c(self): ...\n"
    )
    assert dictionary_entries(lambda key: key == "b")('A = {\n    "a": 1,\n    "b": [\n        2,\n    ],\n}\n') == (
        'A = {\n    "a": 1,\n}\n'
    )
    kept = '[[routes]]\npath = "/a"\nupstream = "a"\n'
    gone = '\n# b\n\n# Why.\n[[routes]]\npath = "/b"\nupstream = "b"\n\n[routes.cache]\n'
    assert routes_to("b")(kept + gone) == kept
