"""GET on the path of a form, as of a tab that was reopened: back to the page that the form stood on."""

from fastapi import APIRouter, Request, Response

from users.api.dependencies import Own
from users.api.oauth.page_documents import AUTHORIZATION_REQUEST, REOPENED
from users.api.oauth.visit import Visit
from users.oauth import pages

router = APIRouter(prefix="/oauth/authorize", tags=["oauth"], default_response_class=Response, responses=REOPENED)


@router.get("/login", status_code=303, summary="Reopen the page to sign in", openapi_extra=AUTHORIZATION_REQUEST)
async def reopen_login(request: Request, own: Own) -> Response:
    """Go back to the authorization endpoint with the same request, which shows what there is to do."""
    return _back(request, own)


@router.get(
    "/second-factor", status_code=303, summary="Reopen the page for the code", openapi_extra=AUTHORIZATION_REQUEST
)
async def reopen_second_factor(request: Request, own: Own) -> Response:
    """Go back to the authorization endpoint with the same request, which shows what there is to do."""
    return _back(request, own)


@router.get(
    "/consent", status_code=303, summary="Reopen the page to allow or deny", openapi_extra=AUTHORIZATION_REQUEST
)
async def reopen_consent(request: Request, own: Own) -> Response:
    """Go back to the authorization endpoint with the same request, which shows what there is to do."""
    return _back(request, own)


def _back(request: Request, own: Own) -> Response:
    visit = Visit.of(request, own)
    return pages.see_other(f"{visit.base}?{visit.query}")
