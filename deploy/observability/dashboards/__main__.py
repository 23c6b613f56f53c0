"""``python -m dashboards`` writes grafana/dashboards/*.json; with ``--check`` it exits with 1 when one is old."""

import sys
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards.gateway import GATEWAY
from dashboards.identity import IDENTITY
from dashboards.messaging import MESSAGING
from dashboards.overview import OVERVIEW
from dashboards.services import SERVICES

BOARDS = (OVERVIEW, GATEWAY, SERVICES, MESSAGING, IDENTITY)
FOLDER = Path(__file__).parents[1] / "grafana" / "dashboards"


def main() -> None:
    """Write or check all."""
    check = sys.argv[1:] == ["--check"]
    old: list[str] = []
    for board in BOARDS:
        path = FOLDER / f"{board.uid}.json"
        text = JSONEncoder(sort_keys=True, indent=2).encode(board.build().build()) + "\n"
        if check and (not path.exists() or path.read_text() != text):
            old.append(path.name)
        elif not check:
            path.write_text(text)
    if old:
        sys.exit(f"not as deploy/observability/dashboards makes them: {', '.join(old)}; make dashboards writes them")


if __name__ == "__main__":
    main()
