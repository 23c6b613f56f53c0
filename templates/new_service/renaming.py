"""Gives the product a name of its own, in every text and path of the tree."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from new_service.documents import run
from new_service.errors import ScaffoldError
from new_service.names import check_free_word
from new_service.tree import all_or_nothing, git

# In two halves, so that a tree that has another name already can take it out of what it merges from the base.
OLD = "gate" + "house"
KEPT = ("LICENSE", "CHANGELOG.md")
"""Whose work it was, and what the base has told."""
_WORD = re.compile(OLD + r"(?!\.on_record)", re.IGNORECASE)
"""A migration never changes: the variable of one that is applied keeps its name."""


def renamed(text: str, name: str) -> str:
    """The text with the name in the place of the base's, written as each was: shop, Shop, SHOP."""

    def one(found: re.Match[str]) -> str:
        word = found[0]
        return name.upper() if word.isupper() else name.title() if word[0].isupper() else name

    return _WORD.sub(one, text)


def rename(root: Path, name: str) -> list[str]:
    """Rename the product, or change nothing and raise ScaffoldError; what ruff still says, such as lines too long."""
    check_free_word(root, name)
    listed = [root / path for path in git(root, "ls-files", "-z").split("\0") if path and path not in KEPT]
    texts = {path: text for path in listed if (text := _text(path)) is not None and renamed(text, name) != text}
    moved = {path: root / renamed(path.relative_to(root).as_posix(), name) for path in listed}
    moved = {path: target for path, target in moved.items() if path != target}
    if not texts and not moved:
        raise ScaffoldError(f"NAME={name}: nothing here is called {OLD} any more")
    with all_or_nothing(root):
        for path, text in texts.items():
            path.write_text(renamed(text, name))
        for path, target in moved.items():
            target.parent.mkdir(parents=True, exist_ok=True)
            path.rename(target)
        _write_what_follows(root)
    return _ruff(root, "check", "--quiet", "--output-format=concise").splitlines()


def _text(path: Path) -> str | None:
    if path.is_symlink() or not path.is_file():
        return None
    try:
        return path.read_text()
    except UnicodeDecodeError:
        return None


def _write_what_follows(root: Path) -> None:
    """Imports and tables are sorted by name; the lock file, the documents and what is made of them have it."""
    _ruff(root, "check", "--quiet", "--select=I,RUF022", "--fix")
    _ruff(root, "format", "--quiet")
    uv = str(Path(sys.executable).parent / "uv")
    documents = [
        [sys.executable, "-m", f"{path.parent.name}.{document}"]
        for path in sorted(root.glob("services/*/pyproject.toml"))
        for document in ("openapi", "asyncapi")
    ]
    run(
        root,
        [uv, "lock", "--quiet"],
        [uv, "pip", "uninstall", "--quiet", "--python", sys.executable, f"{OLD}-client"],
        [uv, "sync", "--quiet", "--frozen", "--all-packages", "--inexact"],
        *documents,
        [sys.executable, "-m", "shared.contracts", "system"],
        [sys.executable, "-m", "client_generator"],
        [sys.executable, "-m", "dashboards"],
    )
    # Python would take a folder of nothing but caches for a package.
    shutil.rmtree(root / "clients" / "python" / "src" / f"{OLD}_client", ignore_errors=True)


def _ruff(root: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "ruff", *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False).stdout
