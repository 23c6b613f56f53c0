"""/audit-events: who did what to whom, for admins; /users/me/security-events: what was done to oneself."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.web import Page, Paging, Transaction, problem_responses
from shared.web.fields import BIGINT_MAX
from users.api.dependencies import Admin, Reader
from users.domain.audit import AuditAction, AuditEvent
from users.store import audit as store
from users.store.audit import Which

router = APIRouter(prefix="/audit-events", tags=["audit"])
own_router = APIRouter(prefix="/users/me/security-events", tags=["audit"])

_Action = Annotated[AuditAction | None, Query(description="Only this.")]
_From = Annotated[AwareDatetime | None, Query(alias="from", description="Only from this time on.")]
_To = Annotated[AwareDatetime | None, Query(alias="to", description="Only before this time.")]


class AuditEventDocument(BaseModel):
    """One thing that was done: by whom (null: a stranger), to which user, from where, by which request.

    ``occurrences`` is above 1 for failed logins that came within about a second.
    """

    model_config = ConfigDict(from_attributes=True)

    id: int
    action: AuditAction
    actor_id: int | None
    subject_id: int
    address: str | None
    user_agent: str | None
    request_id: str | None
    occurrences: int
    created_at: datetime
    client_id: str | None = Field(description="The OAuth client it was done to; then `subject_id` is 0.")


class Doer(StrEnum):
    """Who did it, as far as the account's owner is told."""

    SELF = "self"
    OTHER = "other"
    UNKNOWN = "unknown"


class SecurityEventDocument(BaseModel):
    """One thing that was done to one's account; where an admin was is nobody else's business."""

    id: int
    action: AuditAction
    by: Doer
    address: str | None
    user_agent: str | None
    occurrences: int
    created_at: datetime

    @classmethod
    def of(cls, event: AuditEvent) -> Self:
        """The event as the owner of the account sees it."""
        by = Doer.UNKNOWN if event.actor_id is None else Doer.SELF
        if event.actor_id not in (None, event.subject_id):
            by = Doer.OTHER
        return cls(
            id=event.id,
            action=event.action,
            by=by,
            address=None if by is Doer.OTHER else event.address,
            user_agent=None if by is Doer.OTHER else event.user_agent,
            occurrences=event.occurrences,
            created_at=event.created_at,
        )


@router.get("", summary="List what was put on record", responses=problem_responses(401, 403))
async def list_audit_events(
    _caller: Admin,
    connection: Transaction,
    paging: Paging,
    *,
    subject_id: Annotated[
        int | None, Query(ge=1, le=BIGINT_MAX, description="Only what was done to this user.")
    ] = None,
    action: _Action = None,
    since: _From = None,
    until: _To = None,
) -> Page[AuditEventDocument]:
    """A page of the record, the newest first. It outlives the users that it names."""
    which = Which(subject_id, action, since, until)
    found, total = await store.page(connection, which, paging.page_size, paging.offset)
    return Page.of([AuditEventDocument.model_validate(event) for event in found], total, paging)


@own_router.get("", summary="List what happened to one's account", responses=problem_responses(401, 403))
async def list_security_events(
    caller: Reader, connection: Transaction, paging: Paging, action: _Action = None
) -> Page[SecurityEventDocument]:
    """A page of what was put on record about the caller's own account, the newest first."""
    which = Which(caller.user.id, action)
    found, total = await store.page(connection, which, paging.page_size, paging.offset)
    return Page.of([SecurityEventDocument.of(event) for event in found], total, paging)
