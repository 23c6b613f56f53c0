"""What a new service may be called: its name is a package, a schema, a path, a container and a part of variables."""

import importlib.util
import keyword
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from new_service.errors import ScaffoldError

_NAME = re.compile(r"[a-z][a-z0-9]{2,19}")
_FIRST_PORT = 8100
CLIENT_METHODS = "clients/python/client_generator/resources.toml"
_RESERVED = tomllib.loads((Path(__file__).parent / "reserved_words.toml").read_text())
"""Words by the reason why no service is called so."""


@dataclass(frozen=True)
class Naming:
    """A service's name (a plural), one of what it keeps, and the port of its API."""

    name: str
    item: str
    port: int


def item_of(name: str) -> str:
    """The singular of an English plural, as far as a rule goes: invoices, categories, boxes."""
    for plural, singular in (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("shes", "sh"), ("s", "")):
        if name.endswith(plural) and not name.endswith("ss"):
            return name.removesuffix(plural) + singular
    return ""


def checked(root: Path, name: str, item: str = "", port: int | None = None) -> Naming:
    """The naming of a service that may be made in the repository ``root``. Raises ScaffoldError."""
    if not name:
        raise ScaffoldError("say what it is called: make new-service NAME=invoices")
    _check_word(name, "NAME")
    taken = _taken(root)
    if name in taken:
        raise ScaffoldError(f"NAME={name}: {taken[name]}")
    if importlib.util.find_spec(name) is not None:
        raise ScaffoldError(f"NAME={name}: Python has a module of that name, which the service's package would hide")
    one = item or item_of(name)
    if not one:
        raise ScaffoldError(f"NAME={name} is no plural that I know the singular of: add ITEM=..., one of them")
    _check_word(one, "ITEM")
    if one == name:
        raise ScaffoldError(f"ITEM={one} is the name itself: the one and the many need two words")
    return Naming(name, one, _free_port(root, port))


def check_free_word(root: Path, name: str) -> None:
    """Raise ScaffoldError unless the product may have this name: a word that nothing here has."""
    if not name:
        raise ScaffoldError("say what it is called: make rename NAME=shop")
    _check_word(name, "NAME")
    taken = _taken(root)
    if name in taken:
        raise ScaffoldError(f"NAME={name}: {taken[name]}")
    if importlib.util.find_spec(name) is not None:
        raise ScaffoldError(f"NAME={name}: Python has a module of that name")


def _check_word(word: str, what: str) -> None:
    if not _NAME.fullmatch(word):
        raise ScaffoldError(f"{what}={word}: 3 to 20 small letters and digits, a letter first, such as invoices")
    if keyword.iskeyword(word) or keyword.issoftkeyword(word):
        raise ScaffoldError(f"{what}={word} is a reserved word of Python")
    for reason, found in _RESERVED.items():
        if word in found["words"]:
            raise ScaffoldError(f"{what}={word} {reason}")


def _taken(root: Path) -> dict[str, str]:
    """Words that a service has taken, and how."""
    routes = (root / "gateway" / "src" / "gateway" / "routes.toml").read_text()
    taken = {
        path: f"/api/{path} is a route already"
        for path in re.findall(r'^path = "/api/([a-z0-9]+)', routes, re.MULTILINE)
    }
    for resource in _client_resources(root):
        taken.setdefault(resource, f"the Python client has calls of that name already ({CLIENT_METHODS})")
    for schema in root.glob("services/*/events/*.json"):
        word = schema.name.partition(".")[0]
        taken.setdefault(word, f"{schema.relative_to(root)} is an event of that name already")
    for folder in root.glob("services/*"):
        taken[folder.name] = f"services/{folder.name} is there already"
    return taken


def _client_resources(root: Path) -> set[str]:
    table = root / CLIENT_METHODS
    return set(tomllib.loads(table.read_text())) if table.exists() else set()


def _free_port(root: Path, asked: int | None) -> int:
    """The port asked for, or the first ten of 8100 that nobody in the repository names. Raises ScaffoldError."""
    named = (root / "docker-compose.yml").read_text()
    taken = {int(port) for port in re.findall(r"\b(\d{4,5})\b", named)}
    if asked is None:
        return next(port for port in range(_FIRST_PORT, 65_000, 10) if not {port, port + 1} & taken)
    if not 1024 <= asked < 65_535:  # noqa: PLR2004 - what a process that is not root may listen on, and one more
        raise ScaffoldError(f"PORT={asked}: 1024 to 65534")
    if {asked, asked + 1} & taken:
        raise ScaffoldError(f"PORT={asked}: docker-compose.yml has that port, or the next one, which the worker needs")
    return asked
