"""Collects what stands in a report: the rows into a spool file, the rest into a document."""

from dataclasses import replace
from pathlib import Path

from reports.domain.contents import CONTENTS
from reports.domain.document import Document, cell
from reports.domain.forecast import (
    FORECAST,
    QUALITY,
    History,
    daily_histories,
    forecast_rows,
    history_bounds,
    last_full_day,
    quality_row,
)
from reports.domain.plotting import plot_over_time
from reports.domain.report import Report
from reports.forecasting.outlook import outlooks
from reports.forecasting.process import tell_histories
from reports.rendering.spool import SpoolWriter
from reports.store import contents as store
from shared.jobs import JobContext
from shared.postgres import Connection

_FIRST_PERCENT, _LAST_PERCENT = 5, 40
_ROWS_BETWEEN_LOOKS = 2_000


async def collect(context: JobContext, report: Report, spool: Path) -> Document:
    """Read all of a report as of one moment. Raises JobCancelled in the middle when that is asked for."""
    contents = CONTENTS[report.type]
    histories: list[History] = []
    with SpoolWriter(spool) as writer:
        async with store.snapshot(context.database) as connection:
            document = await _collect(context, connection, report, writer)
            if contents.computed:
                histories = await _histories(connection, report)
        if contents.computed:
            await context.progress(_LAST_PERCENT, "forecasting")
            document = await _forecast(context, document, histories, writer)
    return document


async def _collect(context: JobContext, connection: Connection, report: Report, writer: SpoolWriter) -> Document:
    contents = CONTENTS[report.type]
    bounds = report.period.bounds
    user_id = None if report.everyone else report.user_id
    share = (_LAST_PERCENT - _FIRST_PERCENT) // len(contents.sections)
    amounts = await store.amounts_by_day(connection, report.type, bounds, user_id)
    about = "All users" if report.everyone else await store.name_of(connection, report.user_id)
    for number, section in enumerate(contents.sections):
        await context.progress(_FIRST_PERCENT + number * share, f"collecting {section.title.lower()}")
        writer.begin(section.key)
        async for row in store.rows(connection, report.type, section.key, bounds, user_id):
            writer.write(section.key, [cell(value) for value in row])
            if writer.counts[section.key] % _ROWS_BETWEEN_LOOKS == 0:
                await context.check_cancelled()
    return Document(
        title=contents.title,
        about=about or f"User {report.user_id}",
        period=report.period.describe(),
        requested_at=report.created_at,
        sections=contents.sections,
        detail=contents.detail,
        plot=plot_over_time(contents.plot_title, amounts),
        counts=writer.counts,
    )


async def _histories(connection: Connection, report: Report) -> list[History]:
    """What a forecast is told from: up to the end of the period, and from before its start too."""
    until = last_full_day(report.period.end, report.created_at)
    user_id = None if report.everyone else report.user_id
    amounts = await store.amounts_by_day(connection, report.type, history_bounds(until), user_id)
    return daily_histories(amounts, until)


async def _forecast(context: JobContext, document: Document, histories: list[History], writer: SpoolWriter) -> Document:
    forecasts = await context.run_in_process(tell_histories, histories) if histories else []
    writer.begin(QUALITY.key)
    writer.begin(FORECAST.key)
    for forecast in forecasts:
        writer.write(QUALITY.key, quality_row(forecast))
        for row in forecast_rows(forecast):
            writer.write(FORECAST.key, row)
    return replace(
        document,
        sections=(*document.sections, QUALITY, FORECAST),
        counts=writer.counts,
        outlooks=outlooks(forecasts),
        ahead=FORECAST.key,
    )
