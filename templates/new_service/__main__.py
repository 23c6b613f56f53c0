"""``python -m new_service new NAME [--item ITEM] [--port PORT]``; ``update``, ``remove`` or ``rename NAME``."""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from new_service import insertions, rendering
from new_service.code_places import code_places
from new_service.deploy_places import deploy_places
from new_service.documents import write_documents, write_documents_without
from new_service.errors import ScaffoldError
from new_service.names import Naming, checked
from new_service.removal import owned, removable, without
from new_service.renaming import rename
from new_service.tree import all_or_nothing, git, require_clean

_NEXT = """
services/{name} is there: API on port {port}, worker on {worker}, routes /api/v1/{name} and /api/v1/{name}/{{id}}.
  make check         it is in order as it stands
  make up            it comes up with the others (`make down` first if they run)
  git add -A         nothing is committed yet: look at `git status` and `git diff`
  make update-service NAME={name}    later: what the template has learned since
Its own words are yours to choose: title and note of one {item} are examples."""
_GONE = """services/{name} is gone, and what named it in shared files: look at `git diff`, then `make check`.
Of a system that ran nothing is touched: its schema and roles in Postgres, its queues and files are yours to remove."""
_RENAMED = """This is {name} now, but for LICENSE and CHANGELOG.md, which tell of the base: look at `git diff`,
then `git add -A` and `make check`.
A system that ran keeps its data under the old name (database, Compose project): `make clean` before it, or move them.
After a merge of the base, run it again: it renames what came."""
_STILL_NAMED = "These files still have its name; whether they mean it is yours to say:"


def new(root: Path, naming: Naming) -> None:
    """Make the service, or change nothing and raise ScaffoldError."""
    texts = insertions.apply(root, [*code_places(naming), *deploy_places(naming)])
    with all_or_nothing(root):
        rendering.render(root, naming)
        for path, text in texts.items():
            path.write_text(text)
        _ruff(root, "format")
        write_documents(root, naming.name)


def update(root: Path, name: str) -> None:
    """Bring a service to its template's last commit, or change nothing and raise ScaffoldError."""
    with all_or_nothing(root):
        rendering.update(root, name)
        unsettled = git(root, "diff", "--name-only", "--diff-filter=U").split()
        if not unsettled:
            write_documents(root, name)
    if unsettled:
        raise ScaffoldError("the template and you changed the same lines; settle them:\n  " + "\n  ".join(unsettled))


def remove(root: Path, name: str) -> list[str]:
    """Take a service out, or change nothing and raise ScaffoldError; ``file:count`` of what still has its name."""
    removable(root, name)
    texts = without(root, name)
    with all_or_nothing(root):
        for path in map(root.joinpath, owned(name)):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        for path, text in texts.items():
            path.write_text(text)
        _ruff(root, "check", "--fix", "--select", "F401,I")
        _ruff(root, "format")
        write_documents_without(root, name)
    return git(root, "grep", "--count", "--word-regexp", "-e", name, "--or", "-e", f"{name}-worker", none=True).split()


def _ruff(root: Path, *command: str) -> None:
    subprocess.run([sys.executable, "-m", "ruff", *command, "--quiet", "tests/security"], cwd=root, check=True)


def main() -> int:
    """0 when it is done, 1 with words when it is refused."""
    parser = argparse.ArgumentParser(prog="python -m new_service", description=__doc__)
    parser.add_argument("command", choices=["new", "update", "remove", "rename"])
    parser.add_argument("name", nargs="?", default="")
    parser.add_argument("--item", default="")
    parser.add_argument("--port", type=int)
    asked = parser.parse_args()
    root = Path()
    try:
        if asked.command == "remove":
            removable(root, asked.name)
            require_clean(root)
            still = remove(root, asked.name)
            print(_GONE.format(name=asked.name))
            if still:
                print("\n  ".join([_STILL_NAMED, *still]))
        elif asked.command == "rename":
            require_clean(root)
            said = rename(root, asked.name)
            print(_RENAMED.format(name=asked.name))
            if said:
                print("\n  ".join(["ruff says, and it is yours to mend:", *said]))
        elif asked.command == "update":
            require_clean(root)
            update(root, asked.name)
            print(f"services/{asked.name} is what its template makes today, with your changes: look at `git diff`")
        else:
            naming = checked(root, asked.name, asked.item, asked.port)
            require_clean(root)
            new(root, naming)
            print(_NEXT.format(name=naming.name, item=naming.item, port=naming.port, worker=naming.port + 1))
    except ScaffoldError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
