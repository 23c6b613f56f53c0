"""HTTP: the application every service is made by, and the manners all its answers keep."""

from shared.problems import (
    BadRequest,
    Conflict,
    Forbidden,
    NotFound,
    PaymentRequired,
    PreconditionFailed,
    Problem,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    UnprocessableContent,
    UnsupportedMediaType,
    problem_responses,
)
from shared.web.application import create_app
from shared.web.dependencies import Transaction, get_resources
from shared.web.etags import check_if_match, etag, not_modified
from shared.web.fields import EntityId, RequestBody
from shared.web.idempotency import Answer, Idempotency
from shared.web.pagination import Page, PageQuery, Paging
from shared.web.resources import Resources
from shared.web.server import serve

__all__ = [
    "Answer",
    "BadRequest",
    "Conflict",
    "EntityId",
    "Forbidden",
    "Idempotency",
    "NotFound",
    "Page",
    "PageQuery",
    "Paging",
    "PaymentRequired",
    "PreconditionFailed",
    "Problem",
    "RequestBody",
    "Resources",
    "TooManyRequests",
    "Transaction",
    "Unauthorized",
    "Unavailable",
    "UnprocessableContent",
    "UnsupportedMediaType",
    "check_if_match",
    "create_app",
    "etag",
    "get_resources",
    "not_modified",
    "problem_responses",
    "serve",
]
