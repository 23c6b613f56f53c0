"""A name of one's own: everywhere, in the form that each place has, and never one that something here has."""

import ast
import tomllib
from pathlib import Path

import pytest

from new_service.errors import ScaffoldError
from new_service.names import check_free_word
from new_service.renaming import KEPT, OLD, renamed
from new_service.tree import git

ROOT = Path(__file__).parents[3]
LISTED = [path for path in git(ROOT, "ls-files", "-z").split("\0") if path]


def test_each_word_keeps_its_form():
    word = OLD.title()
    old = f"{word} {OLD}_client {OLD.upper()}_STATE x-{OLD}-admin {word}Error {OLD}/users:local"
    assert renamed(old, "shop") == "Shop shop_client SHOP_STATE x-shop-admin ShopError shop/users:local"


def test_what_a_migration_calls_by_it_stays():
    migrations = [ROOT / path for path in LISTED if "/migrations/" in path and path.endswith(".sql")]
    assert len(migrations) > 20
    assert [path.name for path in migrations if renamed(path.read_text(), "shop") != path.read_text()] == []


def test_the_tree_has_the_name_wherever_it_is_read():
    # A tree that was renamed has its own name already.
    now = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["name"]
    name = "shop" if now == OLD else now
    paths = [renamed(path, "shop") for path in LISTED if path not in KEPT]
    assert len(set(paths)) == len(paths)
    assert not [path for path in paths if OLD in path.lower()]
    assert f"clients/python/src/{name}_client/client.py" in paths
    project = tomllib.loads(renamed((ROOT / "pyproject.toml").read_text(), "shop"))
    assert project["project"]["name"] == name
    assert f"{name}_client" in project["tool"]["importlinter"]["root_packages"]
    assert ast.parse(renamed((ROOT / "clients/python/src" / f"{now}_client" / "client.py").read_text(), "shop"))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "say what"),
        ("My-Shop", "small letters"),
        ("users", "there already"),
        ("gateway", "else"),
        ("json", "module"),
    ],
)
def test_a_name_that_something_has_is_refused(name: str, said: str):
    with pytest.raises(ScaffoldError, match=said):
        check_free_word(ROOT, name)
