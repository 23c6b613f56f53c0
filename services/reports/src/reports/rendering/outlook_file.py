"""The plot of a forecast as a PNG: the last months, and the days to come with their band."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from reports.domain.document import Outlook

_INCHES = (10.0, 2.4)
_DOTS_PER_INCH = 150


def render_outlooks(outlooks: Sequence[Outlook], target: Path) -> None:
    """Draw one below the other, a currency each."""
    height = _INCHES[1] * len(outlooks)
    figure = Figure(figsize=(_INCHES[0], height), dpi=_DOTS_PER_INCH, layout="constrained")
    for axes, outlook in zip(figure.subplots(len(outlooks), squeeze=False)[:, 0], outlooks, strict=True):
        _draw(axes, outlook)
    figure.savefig(target, format="png", metadata={"Software": None})


def _draw(axes: Any, outlook: Outlook) -> None:
    axes.plot(*zip(*outlook.known, strict=True), linewidth=1.0, label="sold")
    days, values, low, high = zip(*outlook.expected, strict=True)
    [line] = axes.plot(days, values, linewidth=1.4, linestyle="--", label="expected")
    axes.fill_between(days, low, high, alpha=0.2, color=line.get_color(), linewidth=0, label="4 of 5 days")
    axes.set_title(f"{outlook.title}, {outlook.currency}", loc="left")
    locator = AutoDateLocator()
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    axes.set_ylim(bottom=0)
    axes.yaxis.grid(visible=True, alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="upper left", ncols=3)
