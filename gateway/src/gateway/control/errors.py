"""Problem documents for what the FastAPI app refuses."""

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from gateway.problem import Refusal, problem_body

_CODES = {400: "bad_request", 404: "route_not_found", 405: "method_not_allowed", 403: "forbidden", 503: "unavailable"}


def install_error_handlers(app: FastAPI) -> None:
    """For HTTPException, for a Refusal and for what nobody foresaw."""
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Refusal, _on_refusal)
    app.add_exception_handler(Exception, _on_unforeseen)


def problem(request: Request, status: int, code: str, detail: str, headers: dict[str, str]) -> Response:
    """The answer."""
    body = problem_body(Refusal(status, code, detail), request.url.path.encode(), request.scope["state"]["trace_id"])
    return Response(body, status, {**headers, "cache-control": "no-store"}, "application/problem+json")


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - what the handler is registered for
    status = error.status_code
    return problem(request, status, _CODES.get(status, "error"), error.detail, dict(error.headers or {}))


async def _on_refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)  # noqa: S101 - what the handler is registered for
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in error.headers}
    return problem(request, error.status, error.code, error.detail, headers)


async def _on_unforeseen(request: Request, error: Exception) -> Response:  # noqa: ARG001 - says nothing of it
    return problem(request, 500, "internal_error", "Something broke on our side.", {})
