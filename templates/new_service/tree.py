"""The tree as git sees it: clean before anything is made, and as it was when that fails."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from new_service.errors import ScaffoldError


def git(root: Path, *arguments: str, none: bool = False) -> str:
    """What git says. Raises ScaffoldError with its words when it fails; ``none``: 1 says that there is nothing."""
    command = ["git", "-C", str(root), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and not (none and done.returncode == 1):
        raise ScaffoldError(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout


def require_clean(root: Path) -> None:
    """Raise ScaffoldError when something is not committed: it could not be told apart from what is made."""
    changed = git(root, "status", "--porcelain").splitlines()
    if changed:
        listed = "\n".join(f"  {line}" for line in changed[:10])
        raise ScaffoldError(f"commit or stash first, so that what is made can be seen, and undone:\n{listed}")


@contextmanager
def all_or_nothing(root: Path) -> Iterator[None]:
    """Put a tree that was clean back to its commit when the body fails; what git ignores is left alone."""
    try:
        yield
    except BaseException:
        git(root, "reset", "--quiet", "--hard")
        git(root, "clean", "--quiet", "--force", "-d")
        raise
