"""The template, for the shortest and the longest name: in form, whole, and nothing of another name in it."""

import shutil
import subprocess
import sys
from pathlib import Path

import copier
import pytest

from new_service.rendering import answers_file

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module", params=[("ads", "adv"), ("wholesaleagreements1", "wholesaleagreement1")])
def rendered(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    name, item = request.param
    template = tmp_path_factory.mktemp("template")
    # Without git: the template as it lies there, committed or not.
    (template / "copier.yml").write_text((ROOT / "copier.yml").read_text())
    shutil.copytree(ROOT / "templates" / "service", template / "templates" / "service")
    out = tmp_path_factory.mktemp("tree")
    copier.run_copy(
        str(template),
        out,
        data={"name": name, "item": item, "port": 8200},
        answers_file=answers_file(name),
        unsafe=True,
        quiet=True,
    )
    return out, name


def test_it_is_in_form(rendered: tuple[Path, str]):
    out, name = rendered
    (out / "pyproject.toml").write_text(
        (ROOT / "pyproject.toml").read_text().replace('"new_service"', f'"new_service", "{name}"', 1)
    )
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "services"], cwd=out, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout


def test_nothing_is_left_unfilled_and_nothing_is_anothers(rendered: tuple[Path, str]):
    out, name = rendered
    files = [path for path in out.rglob("*") if path.is_file() and ".ruff_cache" not in path.parts]
    assert out / answers_file(name) in files
    assert out / f"deploy/kubernetes/base/{name}.yaml" in files
    for path in files:
        text = f"{path}\n{path.read_text()}"
        assert "{[" not in text, path
        assert path.name == "pyproject.toml" or "orders" not in text.lower(), path
        assert "jinja" not in path.name
