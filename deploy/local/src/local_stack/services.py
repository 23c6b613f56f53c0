"""The services of the system: each folder of services/ with a pyproject.toml, which says the service's port."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from local_stack.errors import LocalStackError
from local_stack.state import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path


def found_services(root: Path) -> dict[str, int]:
    """Name and API port (``[tool.gatehouse] port``) of each service of the repository ``root``, in order of the ports.

    A worker has the port after its API's. Raises LocalStackError for a service that names none, or another's.
    """
    ports: dict[str, int] = {}
    for file in sorted(root.glob("services/*/pyproject.toml")):
        port = tomllib.loads(file.read_text()).get("tool", {}).get("gatehouse", {}).get("port")
        if not isinstance(port, int):
            raise LocalStackError(f"{file} names no port: [tool.gatehouse] port = 8020, say")
        if other := next((name for name, taken in ports.items() if abs(taken - port) <= 1), None):
            raise LocalStackError(f"{file} names port {port}, which {other} or its worker has")
        ports[file.parent.name] = port
    return dict(sorted(ports.items(), key=lambda item: item[1]))


SERVICE_PORTS = found_services(REPOSITORY)
SERVICES = tuple(SERVICE_PORTS)
