"""`python -m local_stack.traces`: settings `HTTP_HOST`, `HTTP_PORT`, `TRACES_FILE`."""

from __future__ import annotations

import os
from pathlib import Path

import uvicorn

from local_stack.ports import HOST
from local_stack.traces.app import create_app
from local_stack.traces.store import Store


def main() -> None:
    """Serve until SIGTERM."""
    store = Store(Path(os.environ["TRACES_FILE"]))
    try:
        uvicorn.run(
            create_app(store),
            host=os.environ.get("HTTP_HOST", HOST),
            port=int(os.environ["HTTP_PORT"]),
            access_log=False,
            log_level="warning",
            timeout_graceful_shutdown=3,
        )
    finally:
        store.close()


if __name__ == "__main__":
    main()
