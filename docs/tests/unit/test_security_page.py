"""docs/security.md holds: each test it names is there, each row is held by something, the list is that of the code."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "security.md").read_text()
NOT_MET = "**not met**"
RULES = "Unsafe|secret_file|believed_networks|backend|encrypted|public_url"
REFUSED = re.compile(rf'(?:(?:{RULES})\(\s*|yield f?)"([A-Z][A-Z0-9_]{{3,}})\b')
"""A rule and the setting that it is asked about."""


def rows() -> list[list[str]]:
    lines = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| ---")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [row for row in cells if row[0] not in {"threat", "item", "chapter", "setting"}]


def test_each_row_is_held_by_something_or_says_that_it_is_not():
    assert len(rows()) > 60
    loose = [row[0] for row in rows() if not row[-1].strip("| ") and NOT_MET not in row[1] and row[1] != "none is used"]
    assert loose == []
    assert all("](" in row[-1] or NOT_MET in row[1] or row[1] == "none is used" for row in rows())


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0][:60])
def test_the_tests_of_a_row_are_there(row: list[str]):
    found = re.findall(r"\]\(\.\./([^)]+\.py)\)((?:,? ?`test_\w+`)+)", row[-1])
    named = [(path, name) for path, names in found for name in re.findall(r"`(test_\w+)`", names)]
    assert len(named) == len(re.findall(r"`test_\w+`", row[-1])), "a test without its file"
    for path, name in named:
        source = (ROOT / path).read_text()
        assert re.search(rf"^(async )?def {name}\(", source, re.MULTILINE), f"{path} has no {name}"


@pytest.mark.parametrize("number", range(1, 11))
def test_each_item_of_owasps_list_has_its_row(number: int):
    assert [row for row in rows() if row[0].startswith(f"API{number} ")]


@pytest.mark.parametrize("number", range(1, 18))
def test_each_chapter_of_asvs_has_its_row(number: int):
    assert [row for row in rows() if row[0].startswith(f"V{number} ")]


def test_what_production_refuses_is_what_the_code_refuses():
    sources = [
        *ROOT.glob("shared/src/shared/**/*settings.py"),
        ROOT / "shared/src/shared/production.py",
        ROOT / "gateway/src/gateway/production.py",
        *ROOT.glob("services/*/src/*/*settings.py"),
    ]
    refused = {name for path in sources for name in REFUSED.findall(path.read_text())}
    listed = PAGE.partition("## What production refuses")[2].partition("`SEED")[0]
    told = set(re.findall(r"`([A-Z0-9_]+)`", listed))
    assert refused
    assert refused - {"ALLOW_PLAINTEXT_BACKENDS"} == told - {"ENVIRONMENT", "NAME_FILE"}
