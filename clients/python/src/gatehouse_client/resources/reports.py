"""Calls for reports. Made of the OpenAPI documents; the methods are named in client_generator/resources.toml."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from gatehouse_client.asynchronous import AsyncCaller, AsyncPages
from gatehouse_client.blocking import Caller, Pages
from gatehouse_client.call import Call, Match, headers_of, json_of, path_of, query_of
from gatehouse_client.model import Page
from gatehouse_client.models.reports import Report, ReportFormat, ReportParams, ReportType
from gatehouse_client.server_events import Event


class Reports:
    """Calls for reports."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def request(
        self,
        *,
        format: ReportFormat,
        type: ReportType,
        notify: bool | None = None,
        params: ReportParams | None = None,
        idempotency_key: str | None = None,
    ) -> Report:
        """Ask for a report.

        Queue a report. ``Location`` names it; watch ``/events`` below it, then fetch ``/content``.

        ``sales``, and ``params.all``, are for admins. An admin's ``order_summary`` is about all orders.
        """
        return self._caller.model(
            Call(
                "POST",
                "/api/v1/reports",
                operation="POST /api/v1/reports",
                headers=headers_of("application/json", keyed=True, idempotency_key=idempotency_key),
                content=json_of(format=format, notify=notify, params=params, type=type),
            ),
            Report,
        )

    def list(self, *, page: int | None = None, page_size: int | None = None) -> Pages[Report]:
        """List your reports.

        The caller's reports, the newest first.
        """
        return self._caller.pages(
            Call(
                "GET",
                "/api/v1/reports",
                operation="GET /api/v1/reports",
                query=query_of(page=page, page_size=page_size),
            ),
            Page[Report],
        )

    def get(self, report_id: int) -> Report:
        """See how a report stands.

        The report with the progress of its making; its ETag changes with the progress too.
        """
        return self._caller.model(
            Call("GET", path_of("/api/v1/reports/{}", report_id), operation="GET /api/v1/reports/{report_id}"), Report
        )

    def watch(self, report_id: int) -> Iterator[Event]:
        """Watch a report being made.

        A stream of ``progress`` events, ended by ``done`` or ``failed``; ``Last-Event-ID`` resumes it.
        """
        return self._caller.events(
            Call(
                "GET",
                path_of("/api/v1/reports/{}/events", report_id),
                operation="GET /api/v1/reports/{report_id}/events",
            )
        )

    def content(self, report_id: int) -> bytes:
        """Download a report.

        The finished file; ``report_not_ready`` before, ``report_file_gone`` when it was lost.

        ``report_store_unavailable`` while the store of the files is away: ask again.
        """
        return self._caller.content(
            Call(
                "GET",
                path_of("/api/v1/reports/{}/content", report_id),
                operation="GET /api/v1/reports/{report_id}/content",
            )
        )

    def download(self, report_id: int, target: Path | str) -> Path:
        """Download a report.

        The finished file; ``report_not_ready`` before, ``report_file_gone`` when it was lost.

        ``report_store_unavailable`` while the store of the files is away: ask again.

        Written to ``target``, which is there when it is whole.
        """
        return self._caller.download(
            Call(
                "GET",
                path_of("/api/v1/reports/{}/content", report_id),
                operation="GET /api/v1/reports/{report_id}/content",
            ),
            target,
        )

    def delete(self, report_id: int, *, if_match: Match | None = None) -> None:
        """Cancel a report that is not finished, delete one that is.

        A report that is not finished becomes ``cancelled``; any other goes, with its file.
        """
        self._caller.nothing(
            Call(
                "DELETE",
                path_of("/api/v1/reports/{}", report_id),
                operation="DELETE /api/v1/reports/{report_id}",
                headers=headers_of(if_match=if_match),
            )
        )


class AsyncReports:
    """Calls for reports."""

    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    async def request(
        self,
        *,
        format: ReportFormat,
        type: ReportType,
        notify: bool | None = None,
        params: ReportParams | None = None,
        idempotency_key: str | None = None,
    ) -> Report:
        """Ask for a report.

        Queue a report. ``Location`` names it; watch ``/events`` below it, then fetch ``/content``.

        ``sales``, and ``params.all``, are for admins. An admin's ``order_summary`` is about all orders.
        """
        return await self._caller.model(
            Call(
                "POST",
                "/api/v1/reports",
                operation="POST /api/v1/reports",
                headers=headers_of("application/json", keyed=True, idempotency_key=idempotency_key),
                content=json_of(format=format, notify=notify, params=params, type=type),
            ),
            Report,
        )

    def list(self, *, page: int | None = None, page_size: int | None = None) -> AsyncPages[Report]:
        """List your reports.

        The caller's reports, the newest first.
        """
        return self._caller.pages(
            Call(
                "GET",
                "/api/v1/reports",
                operation="GET /api/v1/reports",
                query=query_of(page=page, page_size=page_size),
            ),
            Page[Report],
        )

    async def get(self, report_id: int) -> Report:
        """See how a report stands.

        The report with the progress of its making; its ETag changes with the progress too.
        """
        return await self._caller.model(
            Call("GET", path_of("/api/v1/reports/{}", report_id), operation="GET /api/v1/reports/{report_id}"), Report
        )

    def watch(self, report_id: int) -> AsyncIterator[Event]:
        """Watch a report being made.

        A stream of ``progress`` events, ended by ``done`` or ``failed``; ``Last-Event-ID`` resumes it.
        """
        return self._caller.events(
            Call(
                "GET",
                path_of("/api/v1/reports/{}/events", report_id),
                operation="GET /api/v1/reports/{report_id}/events",
            )
        )

    async def content(self, report_id: int) -> bytes:
        """Download a report.

        The finished file; ``report_not_ready`` before, ``report_file_gone`` when it was lost.

        ``report_store_unavailable`` while the store of the files is away: ask again.
        """
        return await self._caller.content(
            Call(
                "GET",
                path_of("/api/v1/reports/{}/content", report_id),
                operation="GET /api/v1/reports/{report_id}/content",
            )
        )

    async def download(self, report_id: int, target: Path | str) -> Path:
        """Download a report.

        The finished file; ``report_not_ready`` before, ``report_file_gone`` when it was lost.

        ``report_store_unavailable`` while the store of the files is away: ask again.

        Written to ``target``, which is there when it is whole.
        """
        return await self._caller.download(
            Call(
                "GET",
                path_of("/api/v1/reports/{}/content", report_id),
                operation="GET /api/v1/reports/{report_id}/content",
            ),
            target,
        )

    async def delete(self, report_id: int, *, if_match: Match | None = None) -> None:
        """Cancel a report that is not finished, delete one that is.

        A report that is not finished becomes ``cancelled``; any other goes, with its file.
        """
        await self._caller.nothing(
            Call(
                "DELETE",
                path_of("/api/v1/reports/{}", report_id),
                operation="DELETE /api/v1/reports/{report_id}",
                headers=headers_of(if_match=if_match),
            )
        )
