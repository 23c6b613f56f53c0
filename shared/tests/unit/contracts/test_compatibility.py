"""What of a schema may change, and the check that refuses the rest."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from shared.contracts.compatibility import breaks

OLD: dict[str, Any] = {
    "title": "notes.made.v1",
    "type": "object",
    "required": ["id", "lines"],
    "properties": {
        "id": {"type": "integer", "minimum": 1},
        "kind": {"enum": ["a", "b"]},
        "mood": {"enum": ["good"], "x-open": True},
        "lines": {
            "type": "array",
            "items": {"type": "object", "required": ["no"], "properties": {"no": {"type": "integer"}}},
        },
    },
}


def changed(*path: str, to: Any) -> dict[str, Any]:
    copy = json.loads(json.dumps(OLD))
    place = copy
    for step in path[:-1]:
        place = place[step]
    if to is None:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return copy


@pytest.mark.parametrize(
    "new",
    [
        OLD,
        changed("description", to="said better"),
        changed("properties", "note", to={"type": "string"}),
        changed("properties", "mood", "enum", to=["good", "bad"]),
        changed("properties", "lines", "items", "properties", "text", to={"type": "string"}),
    ],
)
def test_what_old_and_new_consumers_both_read_may_change(new: dict[str, Any]) -> None:
    assert list(breaks(OLD, new)) == []


@pytest.mark.parametrize(
    ("new", "line"),
    [
        (changed("properties", "kind", to=None), "data.kind is gone"),
        (changed("required", to=["id"]), "data.lines is not required any more"),
        (changed("required", to=["id", "lines", "kind"]), "data.kind is required now"),
        (changed("properties", "id", "type", to="string"), "data.id: type was 'integer' and is 'string'"),
        (changed("properties", "id", "minimum", to=0), "data.id: minimum was 1 and is 0"),
        (changed("properties", "id", "maximum", to=9), "data.id: maximum was None and is 9"),
        (changed("properties", "kind", "enum", to=["a", "b", "c"]), "data.kind may be ['c'] now"),
        (changed("properties", "mood", "enum", to=["bad"]), "data.mood is never ['good'] any more"),
        (changed("properties", "kind", to={"type": "string"}), "data.kind: an enum came or went"),
        (changed("properties", "lines", "items", "properties", "no", to=None), "data.lines[].no is gone"),
        (changed("additionalProperties", to=False), "data: additionalProperties was None and is False"),
    ],
)
def test_what_would_break_one_of_them_is_told(new: dict[str, Any], line: str) -> None:
    assert line in "\n".join(breaks(OLD, new))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """One with a service, and its schema committed on main."""
    events = tmp_path / "services" / "notes" / "events"
    events.mkdir(parents=True)
    (events / "notes.made.v1.json").write_text(json.dumps(OLD))
    (events.parent / "pyproject.toml").touch()
    git(tmp_path, "init", "-q", "-b", "main")
    commit(tmp_path)
    return tmp_path


def git(root: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.com"]
    subprocess.run(["git", "-C", str(root), *identity, *arguments], check=True)


def commit(root: Path) -> None:
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "a change")


def check(root: Path) -> tuple[int, str]:
    command = [sys.executable, "-m", "shared.contracts", "compatible", "--root", str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_break_is_refused_in_the_tree_and_on_its_branch_and_since_the_last_release(repository: Path) -> None:
    schema = repository / "services" / "notes" / "events" / "notes.made.v1.json"
    assert check(repository) == (0, "")
    schema.write_text(json.dumps(changed("properties", "kind", to=None)))
    status, output = check(repository)
    assert (status, "data.kind is gone" in output) == (1, True), "in the tree, not committed yet"
    git(repository, "checkout", "-q", "-b", "feature")
    commit(repository)
    assert check(repository)[0] == 1, "committed on a branch"
    git(repository, "tag", "v1.0.0", "main")
    git(repository, "checkout", "-q", "main")
    git(repository, "merge", "-q", "feature")
    status, output = check(repository)
    assert (status, "data.kind is gone" in output) == (1, True), "on main, against the release"
    schema.unlink()
    assert "is gone: it was a promise" in check(repository)[1]
    shutil.rmtree(schema.parents[1])
    assert check(repository) == (0, ""), "the whole service is gone"


def test_without_a_history_it_says_so(tmp_path: Path) -> None:
    status, output = check(tmp_path)
    assert (status, "no git history" in output) == (0, True)
