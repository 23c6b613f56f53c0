"""The site's pages: what leads nowhere is named, and every page of docs/ has a place in the navigation."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "docs" / "site"))

from stage import Stage, nav_problems  # noqa: E402 - found by the path above


def test_a_link_that_leads_nowhere_is_named(tmp_path: Path):
    stage = Stage(tmp_path / "site")
    stage.followed(ROOT / "README.md", "docs/nowhere.txt")
    stage.followed(ROOT / "README.md", "../outside.txt")
    assert stage.problems == ["README.md: docs/nowhere.txt leads nowhere", "README.md: ../outside.txt leads nowhere"]


def test_a_file_comes_along_and_a_folder_becomes_a_page(tmp_path: Path):
    stage = Stage(tmp_path / "site")
    assert stage.followed(ROOT / "docs" / "tour.md", "../LICENSE") == "../LICENSE"
    assert (stage.source / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()
    assert stage.followed(ROOT / "docs" / "tour.md", "adr") == "adr/README.md"
    assert "(0001-one-workspace-one-package-a-service.md)" in (stage.source / "docs" / "adr" / "README.md").read_text()
    assert stage.problems == []


def test_elsewhere_is_listed_and_not_asked_for(tmp_path: Path):
    stage = Stage(tmp_path / "site")
    stage.followed(ROOT / "README.md", "https://example.com/a")
    assert stage.external == {"https://example.com/a"}


def test_a_page_without_a_place_is_named():
    assert nav_problems(list((ROOT / "docs").glob("*.md"))) == []
    assert nav_problems([ROOT / "docs" / "lost.md"]) != []
