"""What a service may be called, and in which words it is refused."""

from pathlib import Path

import pytest

from new_service.errors import ScaffoldError
from new_service.names import Naming, checked, item_of

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("name", "item"),
    [
        ("invoices", "invoice"),
        ("categories", "category"),
        ("boxes", "box"),
        ("branches", "branch"),
        ("glasses", "glass"),
    ],
)
def test_the_singular_of_a_plural(name: str, item: str):
    assert item_of(name) == item


def test_a_right_name_gets_a_port_that_nobody_has():
    chosen = checked(ROOT, "gizmos")
    assert (chosen.name, chosen.item, chosen.port % 10) == ("gizmos", "gizmo", 0)
    assert f":{chosen.port}" not in (ROOT / "docker-compose.yml").read_text()
    assert checked(ROOT, "sheep", "lamb", 9000) == Naming("sheep", "lamb", 9000)


def test_the_next_one_gets_the_next_port(tmp_path: Path):
    (tmp_path / "gateway/src/gateway").mkdir(parents=True)
    (tmp_path / "gateway/src/gateway/routes.toml").write_text('path = "/api/products/{id}"\n')
    (tmp_path / "docker-compose.yml").write_text('"8100"\n8111:8111\n')
    assert checked(tmp_path, "gizmos").port == 8120
    with pytest.raises(ScaffoldError, match="PORT=8110: docker-compose"):
        checked(tmp_path, "gizmos", port=8110)
    with pytest.raises(ScaffoldError, match="/api/products is a route already"):
        checked(tmp_path, "products")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "say what it is called"),
        ("Invoices", "small letters"),
        ("my-invoices", "small letters"),
        ("my_invoices", "small letters"),
        ("../invoices", "small letters"),
        ("7up", "small letters"),
        ("x" * 21, "small letters"),
        ("lambda", "reserved word of Python"),
        ("select", "reserved word of SQL"),
        ("redis", "something else in the system"),
        ("events", "the code of every service"),
        ("email", "Python has a module"),
        ("sessions", "the Python client has calls of that name"),
        ("credential", "what the Python client calls something else"),
        ("sheep", "add ITEM"),
        ("users", "is there already"),
    ],
)
def test_a_wrong_one_is_refused_in_words(name: str, said: str):
    with pytest.raises(ScaffoldError, match=said):
        checked(ROOT, name)


@pytest.mark.parametrize("item", ["class", "gizmos", "Gizmo", "connection"])
def test_so_is_a_wrong_item(item: str):
    with pytest.raises(ScaffoldError, match=f"ITEM={item}"):
        checked(ROOT, "gizmos", item)


@pytest.mark.parametrize("port", [80, 65_535, 8010, 8009])
def test_so_is_a_port_that_is_taken_or_none(port: int):
    with pytest.raises(ScaffoldError, match=f"PORT={port}"):
        checked(ROOT, "gizmos", port=port)
