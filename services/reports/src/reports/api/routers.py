"""All routes: v1, and v2, which for reports is the same."""

from fastapi import APIRouter

from reports.api.v1 import content, events, report_schedules, reports, webhook_deliveries, webhooks
from shared.web import create_version


def create_routers() -> list[APIRouter]:
    """Routers to include in the application."""
    routers = (
        reports.router,
        events.router,
        content.router,
        report_schedules.router,
        webhooks.router,
        webhook_deliveries.router,
    )
    return [create_version(version, routers) for version in ("v1", "v2")]
