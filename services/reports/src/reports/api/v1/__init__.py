"""Version 1 of the API."""

from fastapi import APIRouter

from reports.api.v1 import content, events, reports

router = APIRouter(tags=["reports"])
for _module in (reports, events, content):
    router.include_router(_module.router)
