"""What is written by the code and committed: lock file, OpenAPI and AsyncAPI documents."""

import os
import subprocess
import sys
from pathlib import Path

from new_service.errors import ScaffoldError

_UV = Path(sys.executable).parent / "uv"


def write_documents(root: Path, name: str) -> None:
    """Install the service's package and write them. Raises ScaffoldError with what a command says."""
    environment = os.environ | {"UV_PROJECT_ENVIRONMENT": sys.prefix}
    for command in (
        [str(_UV), "lock", "--quiet"],
        [str(_UV), "sync", "--quiet", "--frozen", "--all-packages", "--inexact"],
        [sys.executable, "-m", f"{name}.openapi"],
        [sys.executable, "-m", f"{name}.asyncapi"],
        [sys.executable, "-m", "shared.contracts", "system"],
    ):
        done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ScaffoldError(f"{' '.join(command)}:\n{(done.stderr or done.stdout).strip()}")
