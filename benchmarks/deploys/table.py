"""Writes the table of deploys into docs/benchmarks.md, between its markers."""

from typing import Any

from benchmarks.gateway.markdown import fill, table
from benchmarks.gateway.tables import DOCUMENT

_HEAD = ["replaced", "deploys", "seconds each", "requests meanwhile", "p50 ms", "p99 ms", "failed"]


def write(results: dict[str, Any]) -> None:
    """Both systems' tables."""
    DOCUMENT.write_text(fill(DOCUMENT.read_text(), "deploys", render(results)))


def render(results: dict[str, Any]) -> str:
    """A table a system that was measured, and when and where."""
    return "\n\n".join(_system(kind, found) for kind, found in sorted(results.items(), reverse=True))


def _system(kind: str, found: dict[str, Any]) -> str:
    rows = [
        (
            f"{service}, {kind}",
            found["times"],
            f"{one['deploy_seconds']:g} (longest {one['longest_deploy_seconds']:g})",
            f"{one['requests']:,}",
            f"{one['p50_ms']:g}",
            f"{one['p99_ms']:g}",
            "",
        )
        for service, one in found["services"].items()
    ]
    outside = found["outside"]
    rows += [
        (
            "none, between them",
            "",
            "",
            f"{outside['requests']:,}",
            f"{outside['p50_ms']:g}",
            f"{outside['p99_ms']:g}",
            "",
        ),
        ("all", "", "", f"{found['requests']:,}", "", "", f"**{len(found['failed'])}**"),
    ]
    machine = found["machine"]
    return f"{table(_HEAD, rows)}\n\n- {machine['cpu']}, {machine['cores']} cores; {found['measured']}."
