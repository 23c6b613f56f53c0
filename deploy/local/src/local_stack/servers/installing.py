"""Installing what is missing by apt, where we are root on a Debian, without a second server starting by itself."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from local_stack.errors import LocalStackError
from local_stack.state import State

if TYPE_CHECKING:
    from collections.abc import Generator

_POLICY = Path("/usr/sbin/policy-rc.d")
_NO_CLUSTER = Path("/etc/postgresql-common/createcluster.d/gatehouse.conf")


def can_install() -> bool:
    """Whether apt is there and we may use it."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(package: str, state: State) -> None:
    """Install a Debian package; its output goes to `logs/install.log`."""
    environment = dict(os.environ) | {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    wait = ["-o", "DPkg::Lock::Timeout=120"]
    with state.log("install").open("ab") as log, _no_services():

        def apt(*arguments: str) -> int:
            command = ["apt-get", "-q", "-y", *wait, *arguments]
            return subprocess.run(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False
            ).returncode

        add = ("install", "--no-install-recommends", package)
        # The package lists of a fresh machine are empty, those of an old one name versions that are gone.
        if apt(*add) and (apt("update") or apt(*add)):
            raise LocalStackError(f"apt-get could not install {package}; see {state.log('install')}")


@contextmanager
def _no_services() -> Generator[None]:
    """Keep maintainer scripts from starting services and from making a Postgres cluster, while it lasts.

    `policy-rc.d` is Debian's own way (invoke-rc.d(8)); one that is already there is the machine's and stays.
    """
    made: list[Path] = []
    for path, content, mode in (
        (_POLICY, "#!/bin/sh\nexit 101\n", 0o755),
        (_NO_CLUSTER, "create_main_cluster = false\n", 0o644),
    ):
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
            path.chmod(mode)
            made.append(path)
    try:
        yield
    finally:
        for path in made:
            path.unlink(missing_ok=True)
