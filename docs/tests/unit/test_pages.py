"""The pages hold: every trap has tests that are there, links lead somewhere, no two decisions have one number."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TRAPS = (ROOT / "docs" / "TRAPS.md").read_text()
SECTIONS = {
    "Gateway: forwarding": "forwarding",
    "Rate limiting": "rate limiting",
    "Postgres and outbox": "outbox",
    "RabbitMQ with aio-pika": "RabbitMQ",
    "Auth": "auth",
    "FastAPI, OTel, tests": "FastAPI",
}
NOT_BUILT: set[str] = set()
PAGES = [
    path
    for pattern in (
        "*.md",
        "docs/**/*.md",
        "services/*/*.md",
        "shared/*.md",
        "gateway/*.md",
        "clients/*/*.md",
        "deploy/**/*.md",
        "tests/**/*.md",
    )
    for path in ROOT.glob(pattern)
]


def traps() -> list[str]:
    found: list[str] = []
    section = ""
    for line in TRAPS.splitlines():
        if line.startswith("## "):
            section = SECTIONS.get(line[3:], "")
        elif section and (number := re.match(r"(\d+)\. ", line)):
            found.append(f"{section} {number[1]}")
    return found


def held() -> dict[str, str]:
    lines = TRAPS.partition("## What holds them")[2].splitlines()
    return {line.split(" | ")[0].strip("| "): line for line in lines if line.startswith("| ")}


def test_every_trap_has_a_row_in_order():
    assert len(traps()) > 40
    assert [name for name in held() if name not in {"trap", "---"}] == traps()


@pytest.mark.parametrize("trap", sorted(set(traps()) - NOT_BUILT))
def test_the_tests_of_a_trap_are_there(trap: str):
    files = re.split(r"; (?=\[`)", held()[trap])
    for text in files:
        link = re.search(r"\]\(([^)]+)\)", text)
        names = re.findall(r"(?<!\[)`(test_\w+)`", text)
        assert link, text
        assert names, text
        source = (ROOT / "docs" / link[1]).resolve().read_text()
        missing = [name for name in names if not re.search(rf"^(async )?def {name}\(", source, re.MULTILINE)]
        assert not missing


def test_no_two_decisions_have_one_number():
    numbers = [path.name[:4] for path in (ROOT / "docs" / "adr").glob("[0-9]*.md")]
    assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path):
    text = re.sub(r"```.*?```|`[^`\n]*`(?!\])", "", page.read_text(), flags=re.DOTALL)
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    assert [link for link in links if link and not (page.parent / link).exists()] == []
