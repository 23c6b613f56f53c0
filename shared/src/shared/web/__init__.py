"""HTTP: the application every service is made by, and the manners all its answers keep."""

from shared.problems import problem_responses
from shared.web.answer import Answer
from shared.web.application import create_app
from shared.web.dependencies import StaleRead, Transaction, get_resources
from shared.web.etags import NOT_MODIFIED, check_if_match, etag, not_modified, unless_known
from shared.web.fields import EntityId, RequestBody
from shared.web.idempotency import Idempotency
from shared.web.pagination import Page, Paging
from shared.web.resources import Resources
from shared.web.server import serve
from shared.web.versions import create_version

__all__ = [
    "NOT_MODIFIED",
    "Answer",
    "EntityId",
    "Idempotency",
    "Page",
    "Paging",
    "RequestBody",
    "Resources",
    "StaleRead",
    "Transaction",
    "check_if_match",
    "create_app",
    "create_version",
    "etag",
    "get_resources",
    "not_modified",
    "problem_responses",
    "serve",
    "unless_known",
]
