"""Copier: renders templates/service of the tree's last commit into the tree, and brings later ones."""

import warnings
from pathlib import Path

import copier
from copier.errors import CopierError, DirtyLocalWarning
from jinja2 import TemplateError
from plumbum import ProcessExecutionError

from new_service.errors import ScaffoldError
from new_service.names import Naming


def answers_file(name: str) -> str:
    """Where a service remembers what it was made from."""
    return f"services/{name}/.copier-answers.yml"


def render(root: Path, naming: Naming) -> None:
    """Write the service's files. Raises ScaffoldError."""
    data = {"name": naming.name, "item": naming.item, "port": naming.port}
    # By ".", as `copier update` runs in the root: a clone elsewhere finds its template too.
    try:
        copier.run_copy(
            ".", root, data=data, answers_file=answers_file(naming.name), vcs_ref="HEAD", unsafe=True, quiet=True
        )
    except (CopierError, TemplateError, ProcessExecutionError) as error:
        raise ScaffoldError(f"copier: {error}") from error


def update(root: Path, name: str) -> None:
    """Bring what the template has learned since; conflicts are left as git leaves them. Raises ScaffoldError."""
    if not (root / answers_file(name)).exists():
        raise ScaffoldError(f"NAME={name}: there is no {answers_file(name)}, so no template made it")
    # The tree is its own template's repository, and being changed while copier reads it.
    warnings.simplefilter("ignore", DirtyLocalWarning)
    try:
        copier.run_update(
            root,
            answers_file=answers_file(name),
            vcs_ref="HEAD",
            defaults=True,
            overwrite=True,
            unsafe=True,
            quiet=True,
        )
    except (CopierError, TemplateError, ProcessExecutionError) as error:
        raise ScaffoldError(f"copier: {error}") from error
