"""What a dashboard of ours is: rows of graphs, each graph a few queries of one unit; and how Grafana reads it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from grafana_foundation_sdk.builders import common, dashboard, prometheus, timeseries
from grafana_foundation_sdk.models import common as models
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync, DataSourceRef

SOURCE = DataSourceRef(type_val="prometheus", uid="prometheus")
_WIDTH = 24


def quantile(part: float, histogram: str, *by: str, window: str = "5m", where: str = "") -> str:
    """The expression of a quantile of a histogram over a window, by labels; ``where`` selects series."""
    return f"histogram_quantile({part}, sum by ({', '.join([*by, 'le'])}) (rate({histogram}_bucket{where}[{window}])))"


@dataclass(frozen=True)
class Graph:
    """Queries over time in one unit (Grafana's names: ``s``, ``reqps``, ``percentunit``, ``short``).

    ``queries`` pairs a PromQL expression with its legend; ``why`` tells what to read from it.
    """

    title: str
    unit: str
    queries: Sequence[tuple[str, str]]
    why: str = ""
    stacked: bool = False


@dataclass(frozen=True)
class Board:
    """A dashboard; ``uid`` is in its address and must stay."""

    uid: str
    title: str
    description: str
    rows: dict[str, Sequence[Graph]] = field(default_factory=dict)

    def build(self) -> dashboard.Dashboard:
        """As Grafana's SDK knows it."""
        built = (
            dashboard.Dashboard(self.title)
            .uid(self.uid)
            .description(self.description)
            .tags(["gatehouse"])
            .timezone("browser")
            .refresh("30s")
            .time("now-1h", "now")
            .tooltip(DashboardCursorSync.CROSSHAIR)
            .readonly()
        )
        for title, graphs in self.rows.items():
            built = built.with_row(dashboard.Row(title))
            for graph in graphs:
                built = built.with_panel(_panel(graph, _WIDTH // len(graphs)))
        return built


def _panel(graph: Graph, width: int) -> timeseries.Panel:
    panel = (
        timeseries.Panel()
        .title(graph.title)
        .description(graph.why)
        .datasource(SOURCE)
        .unit(graph.unit)
        .min(0)
        .span(width)
        .height(8)
        .fill_opacity(10)
        .legend(common.VizLegendOptions().show_legend(True).placement(models.LegendPlacement.BOTTOM))
        .tooltip(common.VizTooltipOptions().mode(models.TooltipDisplayMode.MULTI).sort(models.SortOrder.DESCENDING))
    )
    if graph.stacked:
        panel = panel.stacking(common.StackingConfig().mode(models.StackingMode.NORMAL))
    for number, (expression, legend) in enumerate(graph.queries):
        panel = panel.with_target(
            prometheus.Dataquery().expr(expression).legend_format(legend).ref_id(chr(ord("A") + number)).range()
        )
    return panel
