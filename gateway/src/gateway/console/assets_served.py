"""The pages' scripts and styles: what lies in ``assets`` and is of a kind that browsers are to get."""

from functools import cache
from pathlib import Path
from typing import Final

from gateway.control.representation import Representation

_ASSETS = Path(__file__).parent / "assets"
_TYPES: Final = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
SERVED: Final = frozenset(
    path.relative_to(_ASSETS).as_posix() for path in _ASSETS.rglob("*") if path.is_file() and path.suffix in _TYPES
)


def asset(name: str) -> Representation | None:
    """By its path below ``assets``; None where there is none."""
    return _representation(name) if name in SERVED else None


@cache
def _representation(name: str) -> Representation:
    path = _ASSETS / name
    # Asked for again at each load, by its tag: modules of two versions must not meet.
    return Representation(path.read_bytes(), _TYPES[path.suffix], {"cache-control": "no-cache"})
