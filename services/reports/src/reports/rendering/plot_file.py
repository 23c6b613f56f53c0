"""The plot of a report as a PNG, by matplotlib without a display."""

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

from matplotlib.figure import Figure

from reports.domain.document import Plot

_INCHES = (10.0, 3.4)
_DOTS_PER_INCH = 150
_MOST_LABELS = 16


def render_plot(plot: Plot, target: Path) -> None:
    """Draw grouped bars, a group a label and a bar a currency."""
    figure = Figure(figsize=_INCHES, dpi=_DOTS_PER_INCH, layout="constrained")
    axes = figure.subplots()
    places = range(len(plot.labels))
    width = 0.8 / max(1, len(plot.series))
    for number, (currency, values) in enumerate(plot.series.items()):
        shift = (number - (len(plot.series) - 1) / 2) * width
        axes.bar([place + shift for place in places], values, width=width, label=currency)
    axes.set_title(plot.title, loc="left")
    every = max(1, -(-len(plot.labels) // _MOST_LABELS))
    axes.set_xticks(list(places)[::every], plot.labels[::every], rotation=30, ha="right")
    axes.yaxis.grid(visible=True, alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    if plot.series:
        axes.legend(frameon=False)
    else:
        axes.text(0.5, 0.5, "Nothing in this period", ha="center", va="center", transform=axes.transAxes)
    # Without the version of the library in it the same rows make the same bytes.
    figure.savefig(target, format="png", metadata={"Software": None})
