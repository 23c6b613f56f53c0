"""Version 2 of the API: for reports the same as version 1."""

from reports.api.v1 import router

__all__ = ["router"]
