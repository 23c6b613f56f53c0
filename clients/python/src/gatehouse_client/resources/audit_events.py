"""Calls for audit events. Made of the OpenAPI documents; the methods are named in client_generator/resources.toml."""

from datetime import datetime

from gatehouse_client.asynchronous import AsyncCaller, AsyncPages
from gatehouse_client.blocking import Caller, Pages
from gatehouse_client.call import Call, query_of
from gatehouse_client.model import Page
from gatehouse_client.models.users import AuditAction, AuditEvent


class AuditEvents:
    """Calls for audit events."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def list(
        self,
        *,
        subject_id: int | None = None,
        action: AuditAction | None = None,
        from_: datetime | None = None,
        to: datetime | None = None,
        page: int | None = None,
        page_size: int | None = None,
    ) -> Pages[AuditEvent]:
        """List what was put on record.

        A page of the record, the newest first. It outlives the users that it names.
        """
        return self._caller.pages(
            Call(
                "GET",
                "/api/v1/audit-events",
                operation="GET /api/v1/audit-events",
                query=query_of(
                    subject_id=subject_id, action=action, from_=from_, to=to, page=page, page_size=page_size
                ),
            ),
            Page[AuditEvent],
        )


class AsyncAuditEvents:
    """Calls for audit events."""

    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    def list(
        self,
        *,
        subject_id: int | None = None,
        action: AuditAction | None = None,
        from_: datetime | None = None,
        to: datetime | None = None,
        page: int | None = None,
        page_size: int | None = None,
    ) -> AsyncPages[AuditEvent]:
        """List what was put on record.

        A page of the record, the newest first. It outlives the users that it names.
        """
        return self._caller.pages(
            Call(
                "GET",
                "/api/v1/audit-events",
                operation="GET /api/v1/audit-events",
                query=query_of(
                    subject_id=subject_id, action=action, from_=from_, to=to, page=page, page_size=page_size
                ),
            ),
            Page[AuditEvent],
        )
