"""Calls for report schedules. Made of the OpenAPI documents; the methods are named in client_generator/resources.toml."""

from gatehouse_client.asynchronous import AsyncCaller, AsyncPages
from gatehouse_client.blocking import Caller, Pages
from gatehouse_client.call import Call, headers_of, json_of, path_of, query_of
from gatehouse_client.model import Page
from gatehouse_client.models.reports import ReportFormat, ReportParams, ReportType, Schedule, SchedulePeriod


class ReportSchedules:
    """Calls for report schedules."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def list(self, *, page: int | None = None, page_size: int | None = None) -> Pages[Schedule]:
        """List your report schedules.

        The caller's schedules, the oldest first.
        """
        return self._caller.pages(
            Call(
                "GET",
                "/api/v1/report-schedules",
                operation="GET /api/v1/report-schedules",
                query=query_of(page=page, page_size=page_size),
            ),
            Page[Schedule],
        )

    def create(
        self,
        *,
        cron: str,
        format: ReportFormat,
        type: ReportType,
        notify: bool | None = None,
        params: ReportParams | None = None,
        period: SchedulePeriod | None = None,
        timezone: str | None = None,
        idempotency_key: str | None = None,
    ) -> Schedule:
        """Have a report made at certain times.

        At each time of ``cron`` in ``timezone`` a report is asked for, once, in the caller's name.

        Of times that were missed the last is made up. What is for admins stays so at each run: a schedule
        whose owner is none any more is disabled.
        """
        return self._caller.model(
            Call(
                "POST",
                "/api/v1/report-schedules",
                operation="POST /api/v1/report-schedules",
                headers=headers_of("application/json", keyed=True, idempotency_key=idempotency_key),
                content=json_of(
                    cron=cron, format=format, notify=notify, params=params, period=period, timezone=timezone, type=type
                ),
            ),
            Schedule,
        )

    def get(self, schedule_id: int) -> Schedule:
        """See a report schedule.

        The schedule, when it runs next, and what the last run came to.
        """
        return self._caller.model(
            Call(
                "GET",
                path_of("/api/v1/report-schedules/{}", schedule_id),
                operation="GET /api/v1/report-schedules/{schedule_id}",
            ),
            Schedule,
        )

    def delete(self, schedule_id: int) -> None:
        """Delete a report schedule.

        No more runs; reports that it made stay.
        """
        self._caller.nothing(
            Call(
                "DELETE",
                path_of("/api/v1/report-schedules/{}", schedule_id),
                operation="DELETE /api/v1/report-schedules/{schedule_id}",
            )
        )


class AsyncReportSchedules:
    """Calls for report schedules."""

    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    def list(self, *, page: int | None = None, page_size: int | None = None) -> AsyncPages[Schedule]:
        """List your report schedules.

        The caller's schedules, the oldest first.
        """
        return self._caller.pages(
            Call(
                "GET",
                "/api/v1/report-schedules",
                operation="GET /api/v1/report-schedules",
                query=query_of(page=page, page_size=page_size),
            ),
            Page[Schedule],
        )

    async def create(
        self,
        *,
        cron: str,
        format: ReportFormat,
        type: ReportType,
        notify: bool | None = None,
        params: ReportParams | None = None,
        period: SchedulePeriod | None = None,
        timezone: str | None = None,
        idempotency_key: str | None = None,
    ) -> Schedule:
        """Have a report made at certain times.

        At each time of ``cron`` in ``timezone`` a report is asked for, once, in the caller's name.

        Of times that were missed the last is made up. What is for admins stays so at each run: a schedule
        whose owner is none any more is disabled.
        """
        return await self._caller.model(
            Call(
                "POST",
                "/api/v1/report-schedules",
                operation="POST /api/v1/report-schedules",
                headers=headers_of("application/json", keyed=True, idempotency_key=idempotency_key),
                content=json_of(
                    cron=cron, format=format, notify=notify, params=params, period=period, timezone=timezone, type=type
                ),
            ),
            Schedule,
        )

    async def get(self, schedule_id: int) -> Schedule:
        """See a report schedule.

        The schedule, when it runs next, and what the last run came to.
        """
        return await self._caller.model(
            Call(
                "GET",
                path_of("/api/v1/report-schedules/{}", schedule_id),
                operation="GET /api/v1/report-schedules/{schedule_id}",
            ),
            Schedule,
        )

    async def delete(self, schedule_id: int) -> None:
        """Delete a report schedule.

        No more runs; reports that it made stay.
        """
        await self._caller.nothing(
            Call(
                "DELETE",
                path_of("/api/v1/report-schedules/{}", schedule_id),
                operation="DELETE /api/v1/report-schedules/{schedule_id}",
            )
        )
