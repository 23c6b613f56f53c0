"""The schemas as git has them: what is in the tree is held against what others may rely on already."""

import json
import subprocess
from pathlib import Path
from typing import Any


class NoHistoryError(Exception):
    """There is no git, or no repository, to compare with."""


def baselines(root: Path) -> list[str]:
    """The commits to compare with: the last, where this branch left main, and the last release."""
    found = [_git(root, "rev-parse", "--verify", "--quiet", "HEAD")]
    found += [_git(root, "merge-base", "HEAD", main) for main in ("origin/main", "main")]
    found.append(_git(root, "describe", "--tags", "--abbrev=0", "--match", "v*"))
    commits = list(dict.fromkeys(commit for commit in found if commit))
    if not commits:
        raise NoHistoryError("no git history: nothing to hold the schemas against")
    return commits


def schemas_at(root: Path, commit: str) -> dict[str, dict[str, Any]]:
    """The schemas of a commit by their path below ``root``."""
    listed = _git(root, "ls-tree", "-r", "--name-only", commit, "services") or ""
    paths = [path for path in listed.splitlines() if Path(path).match("services/*/events/*.json")]
    return {path: json.loads(_git(root, "show", f"{commit}:{path}") or "{}") for path in paths}


def _git(root: Path, *arguments: str) -> str | None:
    """What git answers; None when it refuses, as for a branch that is not there."""
    try:
        answer = subprocess.run(  # noqa: S603 - arguments are ours
            ["git", "-C", str(root), *arguments],  # noqa: S607 - the git of whoever runs the check
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None
