"""/audit-events: who did what to whom, for admins."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from shared.web import Page, Paging, Transaction, problem_responses
from shared.web.fields import BIGINT_MAX
from users.api.dependencies import Admin
from users.domain.audit import AuditAction
from users.store import audit as store

router = APIRouter(prefix="/audit-events", tags=["audit"])


class AuditEventDocument(BaseModel):
    """One thing that was done: by whom, to which user, by which request."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    action: AuditAction
    actor_id: int
    subject_id: int
    request_id: str | None
    created_at: datetime


@router.get("", summary="List what was put on record", responses=problem_responses(401, 403))
async def list_audit_events(
    _caller: Admin,
    connection: Transaction,
    paging: Paging,
    subject_id: Annotated[
        int | None, Query(ge=1, le=BIGINT_MAX, description="Only what was done to this user.")
    ] = None,
) -> Page[AuditEventDocument]:
    """A page of the record, the newest first. It names ids only, and outlives the users that it names."""
    found, total = await store.page(connection, subject_id, paging.page_size, paging.offset)
    return Page.of([AuditEventDocument.model_validate(event) for event in found], total, paging)
