"""The trace receiver on Jaeger's two ports: 4318 takes exports, 16686 shows them."""  # noqa: INP001 - a script, no package

import os
from pathlib import Path

import uvicorn

from local_stack.traces.app import create_app
from local_stack.traces.store import Store

_PORTS = (4318, 16686)
_MOST_SPANS = 12_000
"""These, and those that come before they are counted again, have room in the 64 MB of /tmp in docker-compose.yml."""


def main() -> None:
    """Serve both until SIGTERM."""
    store = Store(Path(os.environ["TRACES_FILE"]), _MOST_SPANS)
    config = uvicorn.Config(create_app(store), access_log=False, log_level="warning", timeout_graceful_shutdown=3)
    sockets = [uvicorn.Config(config.app, host="0.0.0.0", port=port).bind_socket() for port in _PORTS]  # noqa: S104 - the container's own addresses
    try:
        uvicorn.Server(config).run(sockets=sockets)
    finally:
        store.close()


if __name__ == "__main__":
    main()
