"""The results file: each figure's part, and the ratios of all of them in one place."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.gateway import machine

RESULTS = Path(__file__).parents[1] / "results" / "messaging.json"


def read() -> dict[str, Any]:
    """The results file; empty when nothing was measured."""
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else {}


def update(part: str, figures: dict[str, Any], ratios: dict[str, float]) -> dict[str, Any]:
    """Put one part into the results file, merge its ratios, and leave the others as they are."""
    results = read()
    results[part] = figures
    results.setdefault("ratios", {}).update(ratios)
    results.setdefault("measured", {})[part] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    results["machine"] = machine.describe()
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    return results


def ratios_of(figures: dict[str, Any]) -> dict[str, float]:
    """The medians that a part's rounds gave, by their names."""
    return {name: pair["ratio"] for name, pair in figures.get("ratios_of_rounds", {}).items()}
