"""Nothing is left half-done: a tree that is not clean is refused, and one that was is put back."""

import subprocess
import sys
from pathlib import Path

import pytest

from new_service.errors import ScaffoldError
from new_service.tree import all_or_nothing, git, require_clean


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "kept.txt").write_text("kept\n")
    (tmp_path / ".gitignore").write_text(".state\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "-m", "one")
    return tmp_path


def test_what_is_not_committed_is_named(tree: Path):
    require_clean(tree)
    (tree / "new.txt").write_text("new\n")
    with pytest.raises(ScaffoldError, match=r"(?s)commit or stash first.*new\.txt"):
        require_clean(tree)


def test_a_failure_leaves_the_tree_as_it_was(tree: Path):
    (tree / ".state").mkdir()

    def fail() -> None:
        with all_or_nothing(tree):
            (tree / "kept.txt").write_text("changed\n")
            (tree / "services").mkdir()
            (tree / "services" / "half.txt").write_text("half\n")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    require_clean(tree)
    assert (tree / "kept.txt").read_text() == "kept\n"
    assert not (tree / "services").exists()
    assert (tree / ".state").exists()


def test_the_command_says_what_is_wrong_and_nothing_more():
    root = Path(__file__).parents[3]
    command = [sys.executable, "-m", "new_service", "new", "users"]
    done = subprocess.run(
        command, cwd=root, env={"PYTHONPATH": "templates"}, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: NAME=users: ")
