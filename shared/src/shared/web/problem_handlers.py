"""Turns exceptions into problem documents: ours, the framework's, the database's, and the unforeseen."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import asyncpg
import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from opentelemetry import trace
from redis.exceptions import RedisError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from shared.postgres.database import UNAVAILABLE
from shared.problems import (
    BadRequest,
    FieldError,
    Problem,
    ProblemDocument,
    Unavailable,
    UnprocessableContent,
)

log = structlog.stdlib.get_logger(__name__)

_CODES = {
    HTTPStatus.BAD_REQUEST: "bad_request",
    HTTPStatus.NOT_FOUND: "route_not_found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "body_too_large",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "unsupported_media_type",
}
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def install_problem_handlers(app: FastAPI) -> None:
    """Answer every exception of the app with a problem document."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(asyncpg.DataError, _on_data_error)
    for kind in (*UNAVAILABLE, RedisError):
        app.add_exception_handler(kind, _on_unavailable)
    app.add_exception_handler(Exception, _on_unforeseen)


def problem_response(
    request: Request,
    status: int,
    code: str,
    detail: str,
    *,
    headers: dict[str, str] | None = None,
    errors: list[FieldError] | None = None,
) -> Response:
    """The answer for one problem; says nothing of SQL, stacks, hosts or secrets."""
    return Response(
        orjson.dumps(_document(request, status, code, detail, errors)),
        status_code=status,
        media_type="application/problem+json",
        headers=headers,
    )


def problem_document(request: Request, problem: Problem) -> dict[str, Any]:
    """The body for a problem that is answered without being raised, so that its transaction commits."""
    return _document(request, problem.status, problem.code, problem.detail, problem.errors)


def _document(request: Request, status: int, code: str, detail: str, errors: list[FieldError] | None) -> dict[str, Any]:
    document = ProblemDocument(
        type="about:blank",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        instance=request.url.path,
        trace_id=_trace_id(request),
        errors=errors,
    )
    return document.model_dump(exclude_none=True)


def _trace_id(request: Request) -> str:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        return f"{context.trace_id:032x}"
    # Outside of the server span (the last resort handler) the caller's header still names the trace.
    parts = request.headers.get("traceparent", "").split("-")
    return parts[1] if len(parts) == 4 else "0" * 32  # noqa: PLR2004 - the four parts of a traceparent


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 - what the handler is registered for
    return problem_response(request, error.status, error.code, error.detail, headers=error.headers, errors=error.errors)


async def _on_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - what the handler is registered for
    found: list[dict[str, Any]] = list(error.errors())
    if any(item["type"] == "json_invalid" for item in found):
        return await _on_problem(request, BadRequest("malformed_json", "The body is not valid JSON."))
    errors: dict[str, FieldError] = {}
    for item in found:
        field = _field(item["loc"], error.body, missing=item["type"] == "missing")
        # Of a value that may be of several types only what the first of them says.
        errors.setdefault(field, FieldError(field=field, message=str(item["msg"]).removeprefix("Value error, ")))
    return await _on_problem(
        request, UnprocessableContent("validation_error", "The input breaks a rule.", errors=list(errors.values()))
    )


def _has(value: Any, part: str | int) -> bool:
    return part in value if isinstance(value, dict) else isinstance(value, list) and isinstance(part, int)


def _field(location: Sequence[str | int], body: Any, *, missing: bool) -> str:
    """The path of a field as the client wrote it: without the names that pydantic gives to alternatives."""
    place, *path = location
    if place != "body":
        return str(path[0]) if path else str(place)
    value: Any = body
    known: list[str] = []
    for number, part in enumerate(path, start=1):
        if _has(value, part):
            value = value[part]
        elif not (missing and number == len(path)):
            break
        known.append(str(part))
    return ".".join(known) or "body"


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - what the handler is registered for
    status = HTTPStatus(error.status_code)
    code = _CODES.get(status, status.phrase.lower().replace(" ", "_"))
    detail = "No such path." if status is HTTPStatus.NOT_FOUND else f"{status.phrase}."
    headers = dict(error.headers or {})
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_allowed_methods(request))
    return problem_response(request, status, code, detail, headers=headers)


def _allowed_methods(request: Request) -> list[str]:
    # Starlette names the methods of the first route of the path only; RFC 9110 section 10.2.1 wants all.
    allowed = [
        method
        for method in _METHODS
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL for route in request.app.router.routes
        )
    ]
    return [*allowed, "HEAD"] if "GET" in allowed else allowed


async def _on_data_error(request: Request, error: Exception) -> Response:
    # A value the schema let through and Postgres does not take (a NUL in a text, say) is the caller's.
    log.warning("value_refused_by_postgres", error=type(error).__name__)
    return await _on_problem(request, UnprocessableContent("validation_error", "A value cannot be stored.", errors=[]))


async def _on_unavailable(request: Request, error: Exception) -> Response:
    log.warning("dependency_unavailable", error=type(error).__name__, exc_info=error)
    return await _on_problem(request, Unavailable("dependency_unavailable", "A part of the system is away. Try again."))


async def _on_unforeseen(request: Request, error: Exception) -> Response:
    log.error("unforeseen_error", exc_info=error)
    return problem_response(request, HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", "Something broke on our side.")
