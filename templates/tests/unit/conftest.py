"""A service as the template makes it, for the shortest and the longest name."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import copier
import pytest

from new_service.names import Naming
from new_service.rendering import answers_file

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Made:
    """The tree that has the service's files alone, among them its openapi.json."""

    tree: Path
    naming: Naming


@pytest.fixture(
    scope="session",
    params=[Naming("ads", "adv", 8200), Naming("wholesaleagreements1", "wholesaleagreement1", 8200)],
    ids=lambda naming: naming.name,
)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    naming: Naming = request.param
    template, out, installed = (tmp_path_factory.mktemp(name) for name in ("template", "tree", "installed"))
    # Without git: the template as it lies there, committed or not.
    (template / "copier.yml").write_text((ROOT / "copier.yml").read_text())
    shutil.copytree(ROOT / "templates" / "service", template / "templates" / "service")
    copier.run_copy(
        str(template),
        out,
        data={"name": naming.name, "item": naming.item, "port": naming.port},
        answers_file=answers_file(naming.name),
        unsafe=True,
        quiet=True,
    )
    # As if installed: it asks for its own version.
    metadata = installed / f"{naming.name}-0.1.0.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text(f"Metadata-Version: 2.1\nName: {naming.name}\nVersion: 0.1.0\n")
    paths = f"{out / 'services' / naming.name / 'src'}:{installed}"
    command = [sys.executable, "-B", "-m", f"{naming.name}.openapi"]
    subprocess.run(command, env={**os.environ, "PYTHONPATH": paths}, check=True, timeout=240)
    return Made(out, naming)
