"""/account/...: the pages that mailed links lead to. Looking at one spends nothing; its button does."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from shared.problems import BadRequest, Problem, UnprocessableContent, UnsupportedMediaType
from shared.web import get_resources
from users import changing_email, resetting_password, verifying_email
from users.api import account_page_texts as texts
from users.api.dependencies import CallingClient, Own
from users.api.strong_password import strong
from users.domain.account import User
from users.domain.mailed_tokens import LinkNotValid

router = APIRouter(prefix="/account", tags=["account pages"], default_response_class=HTMLResponse)

_MOST_FIELDS = 8
_LONGEST_FIELD = 1024
_FORM = "application/x-www-form-urlencoded"
_POSTED = {
    "requestBody": {
        "required": True,
        "content": {_FORM: {"schema": {"type": "object", "additionalProperties": {"type": "string"}}}},
    }
}


_PAGE = {"schema": {"type": "string"}}
_PROBLEM = {"schema": {"$ref": "#/components/schemas/Problem"}}


def _responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI ``responses`` of a form: the page again, saying why, or a problem for what no browser sends."""
    content = {"text/html": _PAGE, "application/problem+json": _PROBLEM}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}


def _answer(content: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(content, status, headers=texts.HEADERS)


async def _form(request: Request) -> dict[str, str]:
    """The fields of a posted form, the empty ones as well. Raises UnsupportedMediaType and BadRequest."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise UnsupportedMediaType("unsupported_media_type", f"The body must be {_FORM}.")
    try:
        content = (await request.body()).decode("ascii")
        found = parse_qs(content, keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError:
        raise BadRequest("malformed_form", "The form does not parse.") from None
    return {name: values[0][:_LONGEST_FIELD] for name, values in found.items()}


Form = Annotated[dict[str, str], Depends(_form)]


async def _said(page: texts.Page, form: dict[str, str], doing: Callable[[str], Awaitable[None]]) -> HTMLResponse:
    """Do what the page's button is for, and say how it went, on the page again where another try may help."""
    token = form.get("token", "")
    try:
        await doing(token)
    except LinkNotValid as error:
        return _answer(texts.ended(page, error.detail), 400)
    except UnprocessableContent as error:
        wrong = " ".join(field.message for field in error.errors or [])
        return _answer(texts.form(page, token=token, error=wrong or error.detail), 422)
    except Problem as error:
        return _answer(texts.form(page, token=token, error=error.detail), error.status)
    return _answer(texts.done(page))


@router.get("/verify-email", summary="The page that confirms an address")
async def show_verify_email() -> HTMLResponse:
    """A form with the token that stands behind # in the link; looking at it spends nothing."""
    return _answer(texts.form(texts.VERIFY_EMAIL))


@router.post("/verify-email", summary="Confirm an address", responses=_responses(400, 415, 503), openapi_extra=_POSTED)
async def post_verify_email(form: Form, client: CallingClient, request: Request) -> HTMLResponse:
    """As `POST /auth/verify-email`, for people."""

    async def verify(token: str) -> None:
        async with get_resources(request).database.transaction() as connection:
            await verifying_email.verify(connection, token, client=client)

    return await _said(texts.VERIFY_EMAIL, form, verify)


@router.get("/reset-password", summary="The page that sets a new password")
async def show_reset_password() -> HTMLResponse:
    """A form with the token that stands behind # in the link; looking at it spends nothing."""
    return _answer(texts.form(texts.RESET_PASSWORD))


@router.post(
    "/reset-password", summary="Set a new password", responses=_responses(400, 415, 422, 503), openapi_extra=_POSTED
)
async def post_reset_password(form: Form, own: Own, client: CallingClient, request: Request) -> HTMLResponse:
    """As `POST /auth/password-reset/confirm`, for people."""

    def check(password: str, user: User) -> str:
        return strong(password, user, field="password")

    return await _said(
        texts.RESET_PASSWORD,
        form,
        lambda token: resetting_password.reset(
            get_resources(request).database,
            own,
            token,
            form.get("password", ""),
            check=check,
            client=client,
        ),
    )


@router.get("/change-email", summary="The page that confirms a new address")
async def show_change_email() -> HTMLResponse:
    """A form with the token that stands behind # in the link; looking at it spends nothing."""
    return _answer(texts.form(texts.CHANGE_EMAIL))


@router.post(
    "/change-email",
    summary="Confirm a new address",
    responses=_responses(400, 403, 409, 415, 429, 503),
    openapi_extra=_POSTED,
)
async def post_change_email(form: Form, own: Own, client: CallingClient, request: Request) -> HTMLResponse:
    """As `POST /auth/change-email/confirm`, for people."""
    return await _said(
        texts.CHANGE_EMAIL,
        form,
        lambda token: changing_email.confirm(
            get_resources(request).database,
            own,
            token,
            current_password=form.get("current_password", ""),
            code=form.get("code") or None,
            client=client,
        ),
    )
