"""Have reports made by the clock."""

from fastapi import APIRouter, Request, Response

from reports import scheduling
from reports.api.dependencies import Own, Reader, Writer
from reports.api.v1.schedule_schemas import ScheduleRequest, ScheduleView
from reports.store import report_schedules as store
from shared.web import Answer, EntityId, Idempotency, Page, Paging, Transaction, problem_responses

router = APIRouter(tags=["report schedules"])


@router.post(
    "/report-schedules",
    status_code=201,
    response_model=ScheduleView,
    summary="Have a report made at certain times",
    responses=problem_responses(401, 403, 409, 422),
)
async def add_schedule(
    *,
    request: Request,
    body: ScheduleRequest,
    principal: Writer,
    connection: Transaction,
    idempotency: Idempotency,
    own: Own,
) -> Response:
    """At each time of ``cron`` in ``timezone`` a report is asked for, once, in the caller's name.

    Of times that were missed the last is made up. What is for admins stays so at each run: a schedule whose owner
    is none any more is disabled.
    """

    async def make() -> Answer:
        schedule = await scheduling.add_schedule(
            connection,
            principal,
            cron=body.cron,
            timezone=body.timezone,
            report_type=body.type,
            report_format=body.format,
            params=body.stored_params(),
            period=body.period,
            notify=body.notify,
            limit=own.schedules_limit,
        )
        return Answer(201, ScheduleView.of(schedule), {"Location": f"{request.url.path}/{schedule.id}"})

    return await idempotency.run(connection, make)


@router.get("/report-schedules", summary="List your report schedules", responses=problem_responses(401, 403, 422))
async def list_schedules(principal: Reader, connection: Transaction, paging: Paging) -> Page[ScheduleView]:
    """The caller's schedules, the oldest first."""
    found = await store.page(connection, principal.user_id, paging.page_size, paging.offset)
    total = await store.count(connection, principal.user_id)
    return Page.of([ScheduleView.of(schedule) for schedule in found], total, paging)


@router.get(
    "/report-schedules/{schedule_id}",
    summary="See a report schedule",
    responses=problem_responses(401, 403, 404, 422),
)
async def get_schedule(schedule_id: EntityId, principal: Reader, connection: Transaction) -> ScheduleView:
    """The schedule, when it runs next, and what the last run came to."""
    return ScheduleView.of(await scheduling.find_schedule(connection, principal, schedule_id))


@router.delete(
    "/report-schedules/{schedule_id}",
    status_code=204,
    summary="Delete a report schedule",
    responses=problem_responses(401, 403, 404, 422),
)
async def delete_schedule(schedule_id: EntityId, principal: Writer, connection: Transaction) -> None:
    """No more runs; reports that it made stay."""
    await scheduling.delete_schedule(connection, principal, schedule_id)
