"""The table of who may do what, read from ``access_matrix.txt``."""

from dataclasses import dataclass
from pathlib import Path

COLUMNS = ("none", "own", "other", "admin", "scope", "key", "prog", "inner")
VERSIONS = ("/api/v1", "/api/v2")


@dataclass(frozen=True)
class Row:
    """One route and the status that each kind of caller gets; a column that says nothing is left out."""

    method: str
    path: str
    expected: dict[str, int]

    @property
    def name(self) -> str:
        """As the table writes it."""
        return f"{self.method} {self.path}"

    @property
    def changes(self) -> bool:
        """Whether an allowed call leaves the object other than it was."""
        return self.method != "GET"


def rows() -> list[Row]:
    """All rows of the table."""
    found: list[Row] = []
    for line in Path(__file__).with_suffix(".txt").read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        method, path, *cells = line.split()
        assert len(cells) == len(COLUMNS), line
        expected = {name: int(cell) for name, cell in zip(COLUMNS, cells, strict=True) if cell != "-"}
        found.append(Row(method, path, expected))
    return found


def unversioned(path: str) -> str:
    """A path of the document as the table writes it."""
    for version in VERSIONS:
        path = path.removeprefix(version)
    return path
