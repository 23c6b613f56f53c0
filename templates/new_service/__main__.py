"""``python -m new_service new NAME [--item ITEM] [--port PORT]`` and ``... update NAME``, from the root of the tree."""

import argparse
import subprocess
import sys
from pathlib import Path

from new_service import insertions, rendering
from new_service.code_places import code_places
from new_service.deploy_places import deploy_places
from new_service.documents import write_documents
from new_service.errors import ScaffoldError
from new_service.names import Naming, checked
from new_service.tree import all_or_nothing, git, require_clean

_NEXT = """
services/{name} is there: API on port {port}, worker on {worker}, routes /api/v1/{name} and /api/v1/{name}/{{id}}.
  make check         it is in order as it stands
  make up            it comes up with the others
  git add -A         nothing is committed yet: look at `git status` and `git diff`
  make update-service NAME={name}    later: what the template has learned since
Its own words are yours to choose: title and note of one {item} are examples."""


def new(root: Path, naming: Naming) -> None:
    """Make the service, or change nothing and raise ScaffoldError."""
    texts = insertions.apply(root, [*code_places(naming), *deploy_places(naming)])
    with all_or_nothing(root):
        rendering.render(root, naming)
        for path, text in texts.items():
            path.write_text(text)
        subprocess.run([sys.executable, "-m", "ruff", "format", "--quiet", "tests/security"], cwd=root, check=True)
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


def main() -> int:
    """0 when it is done, 1 with words when it is refused."""
    parser = argparse.ArgumentParser(prog="python -m new_service", description=__doc__)
    parser.add_argument("command", choices=["new", "update"])
    parser.add_argument("name", nargs="?", default="")
    parser.add_argument("--item", default="")
    parser.add_argument("--port", type=int)
    asked = parser.parse_args()
    root = Path()
    try:
        if asked.command == "update":
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
