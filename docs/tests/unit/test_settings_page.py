"""docs/settings.md names every setting of the services with its default, and Compose hands on what it says."""

import ast
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
COMPOSE = (ROOT / "docker-compose.yml").read_text()
TOLD_OTHERWISE = {
    "GATEWAY_CLIENT_SECRET",
    "GATEWAY_NETWORKS",
    "SECOND_FACTOR_KEY",
    "SIGNING_KEYS_KEY",
    "TOKEN_ALGORITHM",
    "WEBHOOKS_KEY",
    "WEBHOOKS_PORTS",
}
"""Defaults that the code makes of other words than the page."""


@dataclass(frozen=True)
class Row:
    name: str
    by_compose: bool
    default: str


def rows() -> dict[str, Row]:
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in (ROOT / "docs" / "settings.md").read_text().splitlines()
        if line.startswith("| `")
    ]
    found = [Row(name.strip("`"), compose == "yes", default) for name, compose, default, *_ in cells]
    assert len(found) == len({row.name for row in found}), "a setting stands there twice"
    return {row.name: row for row in found}


def settings() -> dict[str, str]:
    """Name and default of each field with an alias, read from the code as it stands."""
    sources = [ROOT / "shared" / "src", *(ROOT / "services").glob("*/src")]
    found: dict[str, str] = {}
    for path in (path for source in sources for path in source.rglob("*settings.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Field":
                given = {keyword.arg: keyword.value for keyword in node.keywords}
                if isinstance(alias := given.get("validation_alias"), ast.Constant):
                    found[str(alias.value)] = told(given.get("default"))
    return found


def told(default: ast.expr | None) -> str:
    match default:
        case ast.Call(args=[inner]):  # SecretStr
            return told(inner)
        case ast.Attribute(attr=name):  # of an enumeration
            return name.lower()
        case ast.Constant(value=bool() as value):
            return str(value).lower()
        case ast.Constant(value=value) if value not in {None, ""}:
            return str(value)
        case _:
            return "none"


def test_every_setting_stands_on_the_page():
    assert set(rows()) == set(settings())


def test_the_defaults_are_those_of_the_code():
    page = {name: row.default for name, row in rows().items() if name not in TOLD_OTHERWISE}
    assert page == {name: default for name, default in settings().items() if name not in TOLD_OTHERWISE}


def test_compose_hands_on_what_the_page_says():
    handed_on = {
        name
        for name in rows()
        if re.search(rf"^ +{name}:( *#.*)?$", COMPOSE, re.MULTILINE)
        or re.search(rf" {name}: \S*\$\{{{name}:-", COMPOSE)
    }
    assert handed_on == {name for name, row in rows().items() if row.by_compose}


@pytest.mark.parametrize("name", [name for name in rows() if name.endswith("_DIR")])
def test_a_directory_that_two_processes_share_is_a_volume_of_image_and_compose(name: str):
    image = next(path for path in ROOT.glob("services/*/Dockerfile") if f"{name}=" in path.read_text()).read_text()
    found = re.search(rf"{name}=(\S+)", image)
    assert found
    folder = found[1]
    assert f"VOLUME {folder}" in image
    assert f"install -d -o 10001 -g 10001 {folder}" in image
    assert f"{name}: {folder}" in COMPOSE
    service = folder.rpartition("/")[2]
    assert f':{folder}"]' in COMPOSE, f"no volume is mounted at {folder}"
    assert re.search(rf"^  {service}: {{}}$", COMPOSE, re.MULTILINE)
