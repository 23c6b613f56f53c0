"""Insertions find their places in the tree as it stands, and say which they don't find."""

import ast
import tomllib
from pathlib import Path

import pytest
import yaml

from new_service.code_places import code_places
from new_service.deploy_places import deploy_places
from new_service.errors import ScaffoldError
from new_service.insertions import Insertion, after, apply, at_end, before, into_default, into_list
from new_service.names import Naming

ROOT = Path(__file__).parents[3]
GIZMOS = Naming("gizmos", "gizmo", 8100)


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """The tree's files with a service more."""
    found = apply(ROOT, [*code_places(GIZMOS), *deploy_places(GIZMOS)])
    return {path.relative_to(ROOT).as_posix(): text for path, text in found.items()}


def test_each_file_still_reads(texts: dict[str, str]):
    for name, text in texts.items():
        if name.endswith(".toml"):
            assert tomllib.loads(text)
        elif name.endswith((".yaml", "compose.yml")):
            assert list(yaml.safe_load_all(text))
        elif name.endswith(".py"):
            assert ast.parse(text)


def test_what_was_there_is_there(texts: dict[str, str]):
    for name, text in texts.items():
        kept = iter(text)
        assert all(letter in kept for letter in (ROOT / name).read_text()), name


def test_the_walls_know_it(texts: dict[str, str]):
    project = tomllib.loads(texts["pyproject.toml"])["tool"]
    walls = {wall["name"]: wall for wall in project["importlinter"]["contracts"]}
    independence, shared = walls["A service knows only itself and shared"], walls["shared knows no service"]
    gateway, domain = walls["The gateway stands alone"], walls["The domain knows neither the web nor the database"]
    assert "gizmos" in independence["modules"]
    assert "gizmos" in shared["forbidden_modules"]
    assert gateway["forbidden_modules"] == ["shared"]
    assert "gizmos.domain" in domain["source_modules"]
    assert "gizmos" not in domain["forbidden_modules"]
    assert project["uv"]["sources"]["gizmos"] == {"workspace": True}


def test_compose_runs_it(texts: dict[str, str]):
    compose = yaml.safe_load(texts["docker-compose.yml"])
    assert {"gizmos", "gizmos-worker", "gizmos-migrations"} <= set(compose["services"])
    gateway = compose["services"]["gateway"]["environment"]
    assert gateway["GIZMOS_URL"] == "http://gizmos:8100"
    assert gateway["CONSOLE_METRICS"].endswith(",gizmos-worker=http://gizmos-worker:8101/metrics}")
    given = set(compose["services"]["postgres-roles"]["secrets"])
    assert {"gizmos_password", "gizmos_owner_password"} <= given
    assert compose["services"]["postgres"]["secrets"] == ["postgres_password"]


def test_kubernetes_lets_it_be_called_and_fetch_keys(texts: dict[str, str]):
    policies = {
        policy["metadata"]["name"]: policy["spec"]
        for policy in yaml.safe_load_all(texts["deploy/kubernetes/base/network.yaml"])
    }
    called = policies["services-from-gateway"]["podSelector"]["matchExpressions"][0]["values"]
    [caller] = policies["users-from-services"]["ingress"][0]["from"]
    fetching = caller["podSelector"]["matchExpressions"][0]["values"]
    watched = policies["workers-from-monitoring"]["podSelector"]["matchExpressions"][0]["values"]
    assert (called[-1], fetching[-1], watched[-1]) == ("gizmos", "gizmos", "gizmos-worker")
    assert "gizmos-worker" not in policies["outside"]["podSelector"]["matchExpressions"][0]["values"]


def test_the_ways_to_insert():
    assert before("b", "x\n")("a\nb\nb\n") == "a\nx\nb\nb\n"
    assert after("b.*", "x\n")("a\nb1\nb2\nc\n") == "a\nb1\nb2\nx\nc\n"
    assert at_end("x\n")("a\n\n") == "a\nx\n"
    assert into_list("l: ", "x", "y")("l: [a]\nm: [a]\n") == "l: [a, x, y]\nm: [a]\n"
    assert into_list("l: ", "x", "y")("l: []\n") == "l: [x, y]\n"
    assert into_default("L", "b=1")("x: ${L:-a=1}\ny: ${M:-a}\n") == "x: ${L:-a=1,b=1}\ny: ${M:-a}\n"
    edits = (before("b", "x"), after("b", "x"), into_list("l: ", "x"), into_default("L", "x"))
    assert [edit("nothing\n") for edit in edits] == [None] * 4


def test_a_tree_that_is_another_is_refused_with_all_that_is_lost_and_stays_as_it_is(tmp_path: Path):
    (tmp_path / "a.txt").write_text("a\n")
    wanted = [
        Insertion("a.txt", "the first", at_end("b\n")),
        Insertion("a.txt", "the second", before("z", "b\n")),
        Insertion("gone.txt", "the third", at_end("b\n")),
    ]
    with pytest.raises(ScaffoldError) as refused:
        apply(tmp_path, wanted)
    assert "a.txt: no place found for the second" in str(refused.value)
    assert "gone.txt is gone: the third" in str(refused.value)
    assert "the first" not in str(refused.value)
    assert (tmp_path / "a.txt").read_text() == "a\n"
