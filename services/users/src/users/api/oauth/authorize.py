"""/oauth/authorize: where a client sends a person, and the pages that ask the person (RFC 6749 section 3.1)."""

from http import HTTPStatus
from urllib.parse import urlsplit

import structlog
from fastapi import APIRouter, Request, Response

from shared.problems import Problem
from shared.web import get_resources
from users.api.dependencies import CallingClient, Own
from users.api.oauth.page_documents import AUTHORIZATION_REQUEST, FORM_PAGES, LOGIN_PAGES, PAGES, STYLE, form_fields
from users.api.oauth.posted import read_posted
from users.api.oauth.visit import Visit
from users.domain.authorization import AuthorizationRequest, Prompt, UntrustedRequest
from users.domain.authorization_answers import form_source
from users.domain.credentials import digest
from users.oauth import authorizing, pages
from users.oauth.authorizing import Ask, ToClient
from users.oauth.browser import Browser
from users.oauth.scope_words import in_words
from users.oauth.signing_in_browsers import sign_in_by_password, sign_in_by_second_factor
from users.store import browser_sessions
from users.store.browser_sessions import SignedInBrowser

log = structlog.stdlib.get_logger(__name__)

router = APIRouter(prefix="/oauth", tags=["oauth"])


@router.get(
    "/authorize",
    summary="Ask a person to let a client in",
    response_class=Response,
    responses=PAGES,
    openapi_extra=AUTHORIZATION_REQUEST,
)
async def show_authorization(request: Request, own: Own) -> Response:
    """Send the browser to the client with a code; first ask the person to sign in, and to allow it, where needed."""
    visit = Visit.of(request, own)
    async with get_resources(request).database.transaction() as connection:
        asked = await authorizing.read_request(connection, visit.issuer, visit.parameters)
        if isinstance(asked, ToClient):
            return pages.see_other(asked.location)
        browser = await browser_sessions.find(connection, digest(visit.browser.secret))
        decision = await authorizing.decide(connection, visit.issuer, asked, browser)
        owes_code = browser is None and await browser_sessions.awaited(connection, digest(visit.browser.secret))
    if isinstance(decision, ToClient):
        return pages.see_other(decision.location)
    if owes_code and Prompt.LOGIN not in asked.prompts:
        return _second_factor_page(visit, asked)
    if decision is Ask.WHO_IT_IS or browser is None:
        return _login_page(visit, asked)
    return _consent_page(visit, asked, browser)


@router.post(
    "/authorize/login",
    summary="Sign in at the page",
    response_class=Response,
    responses=LOGIN_PAGES,
    openapi_extra=form_fields("email", "password"),
)
async def sign_in_at_page(request: Request, own: Own, origin: CallingClient) -> Response:
    """Sign the browser in, or ask for its second factor, and go on with the client's request."""
    posted = await read_posted(request, own)
    if isinstance(posted, ToClient):
        return pages.see_other(posted.location)
    visit, asked, form = posted
    if not visit.was_shown(request, form, "login"):
        return _foreign_form(visit, "login")
    database = get_resources(request).database
    email = form.get("email", "")
    try:
        password = form.get("password", "")
        after = await sign_in_by_password(database, own, email, password, origin=origin, before=visit.browser)
    except Problem as problem:
        return _login_page(visit, asked, email=email, problem=problem)
    return _go_on(visit, after)


@router.post(
    "/authorize/second-factor",
    summary="Give the code of the second factor at the page",
    response_class=Response,
    responses=LOGIN_PAGES,
    openapi_extra=form_fields("code"),
)
async def give_second_factor(request: Request, own: Own, origin: CallingClient) -> Response:
    """Sign the browser in that gave the right password before, and go on with the client's request."""
    posted = await read_posted(request, own)
    if isinstance(posted, ToClient):
        return pages.see_other(posted.location)
    visit, asked, form = posted
    if not visit.was_shown(request, form, "second-factor"):
        return _foreign_form(visit, "second-factor")
    database = get_resources(request).database
    try:
        after = await sign_in_by_second_factor(database, own, form.get("code"), origin=origin, before=visit.browser)
    except Problem as problem:
        return _second_factor_page(visit, asked, problem)
    # Too late for the code, or it was given before: the page shows what there is to do.
    return _go_on(visit, after or visit.browser)


@router.post(
    "/authorize/consent",
    summary="Allow or deny at the page",
    response_class=Response,
    responses=FORM_PAGES,
    openapi_extra=form_fields("decision"),
)
async def answer_consent(request: Request, own: Own, origin: CallingClient) -> Response:
    """Send the browser to the client: with a code, or with `access_denied`."""
    posted = await read_posted(request, own)
    if isinstance(posted, ToClient):
        return pages.see_other(posted.location)
    visit, asked, form = posted
    async with get_resources(request).database.transaction() as connection:
        browser = await browser_sessions.find(connection, digest(visit.browser.secret))
        if browser is None:
            return pages.see_other(f"{visit.base}?{visit.query}")
        if not visit.was_shown(request, form, _consent_step(asked, browser)):
            return _foreign_form(visit, "consent")
        if form.get("decision") == "allow":
            found = await authorizing.allow(connection, visit.issuer, asked, browser, origin)
        else:
            found = authorizing.refuse(visit.issuer, asked, "access_denied", "The person did not allow it.")
    return pages.see_other(found.location)


@router.get("/authorize/page.css", summary="The style of the pages", response_class=Response, responses=STYLE)
async def show_style() -> Response:
    """Give the style sheet of the pages."""
    return pages.style()


async def answer_untrusted(request: Request, error: Exception) -> Response:
    """The application's handler of UntrustedRequest: a page, and never a redirect."""
    assert isinstance(error, UntrustedRequest)  # noqa: S101 - what the handler is registered for
    base = request.url.path.partition("/authorize")[0] + "/authorize"
    return pages.render_error(base, HTTPStatus.BAD_REQUEST, "This link is not right", str(error))


def _login_page(
    visit: Visit, asked: AuthorizationRequest, *, email: str = "", problem: Problem | None = None
) -> Response:
    answer = pages.render(
        "login",
        status=problem.status if problem else HTTPStatus.OK,
        form_sources=("'self'", form_source(asked.redirect_uri)),
        base=visit.base,
        query=visit.query,
        csrf_token=visit.form_token("login"),
        client_name=asked.client_name,
        email=email,
        problem=problem.detail if problem else None,
    )
    answer.headers.update(problem.headers if problem else {})
    visit.cookie.write(answer, visit.browser)
    return answer


def _go_on(visit: Visit, after: Browser) -> Response:
    answer = pages.see_other(f"{visit.base}?{visit.query_with_prompt(without=Prompt.LOGIN)}")
    visit.cookie.write(answer, after)
    return answer


def _second_factor_page(visit: Visit, asked: AuthorizationRequest, problem: Problem | None = None) -> Response:
    answer = pages.render(
        "second_factor",
        status=problem.status if problem else HTTPStatus.OK,
        form_sources=("'self'", form_source(asked.redirect_uri)),
        base=visit.base,
        query=visit.query,
        other_account=visit.query_with_prompt(instead=Prompt.LOGIN),
        csrf_token=visit.form_token("second-factor"),
        problem=problem.detail if problem else None,
    )
    answer.headers.update(problem.headers if problem else {})
    return answer


def _consent_step(asked: AuthorizationRequest, browser: SignedInBrowser) -> str:
    # What the page shows is what the button allows: a client that was given more meanwhile is asked about again.
    return " ".join(("consent", *authorizing.grantable(asked, browser)))


def _consent_page(visit: Visit, asked: AuthorizationRequest, browser: SignedInBrowser) -> Response:
    return pages.render(
        "consent",
        form_sources=("'self'", form_source(asked.redirect_uri)),
        base=visit.base,
        query=visit.query,
        other_account=visit.query_with_prompt(instead=Prompt.LOGIN),
        csrf_token=visit.form_token(_consent_step(asked, browser)),
        client_name=asked.client_name,
        scopes=[in_words(scope) for scope in authorizing.grantable(asked, browser)],
        email=browser.email,
        destination=urlsplit(asked.redirect_uri).netloc,
    )


def _foreign_form(visit: Visit, step: str) -> Response:
    log.warning("form_of_another_browser", step=step)
    advice = "It was not sent from the page that this browser was shown last. Go back to the application and try again."
    return pages.render_error(visit.base, HTTPStatus.FORBIDDEN, "This form is not taken", advice)
