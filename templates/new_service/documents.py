"""What is written by the code and committed: lock file, OpenAPI and AsyncAPI documents, the Python client."""

import os
import subprocess
import sys
from pathlib import Path

from new_service.errors import ScaffoldError

_UV = Path(sys.executable).parent / "uv"


_OF_ALL = [[sys.executable, "-m", "shared.contracts", "system"], [sys.executable, "-m", "client_generator"]]


def write_documents(root: Path, name: str) -> None:
    """Install the service's package and write them. Raises ScaffoldError with what a command says."""
    run(
        root,
        [str(_UV), "lock", "--quiet"],
        [str(_UV), "sync", "--quiet", "--frozen", "--all-packages", "--inexact"],
        [sys.executable, "-m", f"{name}.openapi"],
        [sys.executable, "-m", f"{name}.asyncapi"],
        *_OF_ALL,
    )


def write_documents_without(root: Path, name: str) -> None:
    """Write those of all once the service is gone, and uninstall its package. Raises ScaffoldError as above."""
    run(
        root,
        [str(_UV), "lock", "--quiet"],
        *_OF_ALL,
        [str(_UV), "pip", "uninstall", "--quiet", "--python", sys.executable, name],
    )


def run(root: Path, *commands: list[str]) -> None:
    """Run each in the root of the tree, with its generators at hand. Raises ScaffoldError with what one says."""
    environment = os.environ | {
        "UV_PROJECT_ENVIRONMENT": sys.prefix,
        "PYTHONPATH": "clients/python:deploy/observability",
    }
    for command in commands:
        done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ScaffoldError(f"{' '.join(command)}:\n{(done.stderr or done.stdout).strip()}")
