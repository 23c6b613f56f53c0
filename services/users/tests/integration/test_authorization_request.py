"""Requests at /oauth/authorize that are refused: to the client where it is sure who that is, else to the person."""

import httpx
import pytest

from .oauth_visiting import App, Apps, Page, Visitor, told


def is_a_page(answer: httpx.Response) -> bool:
    return answer.status_code == 400 and answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(
    "redirect_uri",
    [
        "https://app.example.com/back/",
        "https://app.example.com/back/../back",
        "https://app.example.com/backx",
        "https://app.example.com/bac",
        "https://app.example.com",
        "https://app.example.com/Back",
        "https://APP.example.com/back",
        "https://app.example.com/%62ack",
        "https://app.example.com/back?x=1",
        "https://app.example.com/back?",
        "https://app.example.com/back#x",
        "https://app.example.com:443/back",
        "https://app.example.com:8443/back",
        "http://app.example.com/back",
        "https://app.example.com.evil.example/back",
        "https://evil.example/https://app.example.com/back",
        "https://app.example.com@evil.example/back",
        "https://user@app.example.com/back",
        "https://app.example.com\\@evil.example/back",
        "https://app.example.com/back\r\nSet-Cookie: x=1",
        " https://app.example.com/back",
        "//app.example.com/back",
        "javascript:alert(1)",
        "",
    ],
)
async def test_auth_2_an_address_nearly_right_is_no_redirect(app: App, visitor: Visitor, redirect_uri: str):
    answer = await visitor.open(app.request(redirect_uri=redirect_uri))
    assert is_a_page(answer)
    assert "location" not in answer.headers
    assert "form-action 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("redirect_uri", "right"),
    [
        ("http://127.0.0.1:1234/back", True),
        ("http://127.0.0.1/back", True),
        ("http://127.0.0.1:65536/back", False),
        ("http://127.0.0.1:1234/other", False),
        ("http://127.0.0.1:1234/back?x=1", False),
        ("http://127.0.0.1:80@evil.example/back", False),
        ("http://127.0.0.1.evil.example:80/back", False),
        ("http://localhost:1234/back", False),
        ("http://[::1]:1234/back", False),
        ("https://127.0.0.1:1234/back", False),
    ],
)
async def test_auth_2_only_the_port_of_a_loopback_address_is_free(
    apps: Apps, visitor: Visitor, redirect_uri: str, *, right: bool
):
    app = await apps.make(public=True, redirect_uris=("http://127.0.0.1:9/back",))
    answer = await visitor.open(app.request(redirect_uri=redirect_uri))
    assert (answer.status_code == 200) is right
    assert is_a_page(answer) is not right


async def test_the_registered_query_stays(apps: Apps, visitor: Visitor):
    app = await apps.make(redirect_uris=("https://app.example.com/back?tenant=1",))
    answer = await visitor.open(app.request(prompt="none"))
    assert answer.headers["location"].startswith("https://app.example.com/back?tenant=1&error=login_required&")


@pytest.mark.parametrize("client_id", ["client-of-nobody", "", "x\0y", "a" * 5000])
async def test_an_unknown_client_is_no_redirect(app: App, visitor: Visitor, client_id: str):
    assert is_a_page(await visitor.open(app.request(client_id=client_id)))


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
async def test_who_is_meant_twice_is_no_redirect(app: App, visitor: Visitor, name: str):
    query = str(httpx.QueryParams(app.request()).add(name, app.request()[name]))
    assert is_a_page(await visitor.open(query))


@pytest.mark.parametrize("name", ["response_type", "code_challenge", "code_challenge_method", "scope", "state"])
async def test_a_parameter_twice_is_refused(app: App, visitor: Visitor, name: str):
    answer = told(await visitor.open(str(httpx.QueryParams(app.request()).add(name, "x"))))
    assert answer["error"] == "invalid_request"
    assert ("state" in answer) is (name != "state")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"request": "x.y.z"}, "request_not_supported"),
        ({"request_uri": "https://evil.example/"}, "request_uri_not_supported"),
        ({"scope": "users:read everything"}, "invalid_scope"),
        ({"scope": "admin"}, "invalid_scope"),
        ({"scope": "users:read  orders:read"}, "invalid_scope"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "maybe"}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
    ],
)
async def test_the_client_is_told_what_is_wrong(app: App, visitor: Visitor, changes: dict[str, str | None], error: str):
    answer = await visitor.open(app.request(**changes))
    assert answer.headers["location"].startswith(f"{app.redirect_uri}?")
    assert answer.headers["cache-control"] == "no-store"
    assert told(answer)["error"] == error
    assert "code" not in told(answer)


async def test_a_client_may_have_fewer_scopes_than_there_are(apps: Apps, visitor: Visitor):
    app = await apps.make(scopes=("users:read",))
    assert told(await visitor.open(app.request(scope="orders:read")))["error"] == "invalid_scope"


@pytest.mark.parametrize("query", ["%ff=1", "client_id=%e2%82", "&".join(f"x{n}=1" for n in range(50))])
async def test_a_query_that_does_not_parse_is_a_page(visitor: Visitor, query: str):
    assert is_a_page(await visitor.open(query))


async def test_a_state_cannot_break_out_of_the_redirect(app: App, visitor: Visitor):
    state = "x\r\nSet-Cookie: a=b\r\n&code=stolen#<script>"
    answer = await visitor.open(app.request(state=state, prompt="none"))
    assert "set-cookie" not in answer.headers
    assert told(answer)["state"] == state


async def test_the_error_page_shows_no_markup_of_the_caller(app: App, visitor: Visitor):
    answer = await visitor.open(app.request(client_id="<script>alert(1)</script>", redirect_uri="<script>"))
    assert "script" not in Page(answer).tags
