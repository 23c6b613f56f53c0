"""What a caller gets: models, what came with them, errors, warnings."""

import json
import warnings
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from both_clients import Both
from client_answers import ORDER, PRODUCT, USER, problem
from opentelemetry.sdk.trace import TracerProvider
from scripted_server import Say, Script

from gatehouse_client import (
    BadRequest,
    Conflict,
    FieldError,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    PaymentRequired,
    PreconditionFailed,
    Problem,
    RateLimited,
    TooLarge,
    Unauthorized,
    Unavailable,
    UnexpectedAnswer,
)
from gatehouse_client.retry_after import retry_after

TRACE = "4bf9" * 8
KINDS = {
    400: BadRequest,
    401: Unauthorized,
    402: PaymentRequired,
    403: Forbidden,
    404: NotFound,
    405: Problem,
    409: Conflict,
    410: Gone,
    412: PreconditionFailed,
    413: TooLarge,
    422: Invalid,
    429: RateLimited,
    500: Unavailable,
    504: Unavailable,
}


@pytest.mark.parametrize(("status", "kind"), KINDS.items())
def test_each_status_has_its_error(both: Both, script: Script, status: int, kind: type[Problem]):
    document = problem(status, "a_code", trace_id="t1", errors=[{"field": "name", "message": "too long"}])
    script.always = Say(status, document, {"X-Request-ID": "r1", "Retry-After": "7000"})
    with pytest.raises(kind) as raised:
        both.run(lambda client: client.products.get(3))
    error = raised.value
    assert type(error) is kind
    assert (error.status, error.code, error.detail, error.trace_id) == (status, "a_code", "Not now.", "t1")
    assert (error.request_id, error.retry_after) == ("r1", 7000)
    assert error.errors == (FieldError("name", "too long"),)
    assert "name: too long" in str(error)


@pytest.mark.parametrize("body", [b"", b"<h1>", b"[1]", b'"text"', b'{"errors": [1], "code": null}', b"\xff"])
def test_an_error_that_is_no_problem_document_is_an_error_all_the_same(both: Both, script: Script, body: bytes):
    script.always = Say(404, body)
    with pytest.raises(NotFound, match="404 unknown"):
        both.run(lambda client: client.products.get(3))


def test_a_token_endpoint_says_error_and_not_code(both: Both, script: Script):
    script.always = Say(400, {"error": "invalid_grant", "error_description": "Spent."})
    with pytest.raises(BadRequest, match="invalid_grant: Spent") as raised:
        both.run(lambda client: client.oauth.token(grant_type="refresh_token"))
    assert raised.value.code == "invalid_grant"


@pytest.mark.parametrize("said", [Say(200, b"<html>"), Say(200, {"id": "x"}), Say(302, headers={"Location": "/login"})])
def test_an_answer_of_something_else_is_said_to_be_that(both: Both, script: Script, said: Say):
    script.always = said
    with pytest.raises(UnexpectedAnswer, match="/api/v1/products/3"):
        both.run(lambda client: client.products.get(3))


def test_money_and_times_are_what_they_are_and_what_is_new_does_no_harm(both: Both, script: Script):
    script.always = Say(200, {**ORDER, "status": "on_hold", "gift": True})
    order = both.run(lambda client: client.orders.get(1))
    assert (order.total, order.items[0].unit_price) == (Decimal("19.98"), Decimal("9.99"))
    assert order.created_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert order.status == "on_hold"


def test_a_change_is_meant_for_the_version_that_was_read(both: Both, script: Script):
    script.then(Say(200, PRODUCT, {"ETag": '"v7"'}))
    read = both.run(lambda client: client.products.get(3))
    script.then(Say(412, problem(412, "changed_meanwhile")))
    with pytest.raises(PreconditionFailed):
        both.run(lambda client: client.products.change(3, price=Decimal("10.50"), if_match=read))
    assert script.seen[1].headers["if-match"] == '"v7"'
    assert json.loads(script.seen[1].body) == {"price": "10.50"}


def test_what_came_without_a_version_is_no_match(both: Both, script: Script):
    script.then(Say(200, ORDER))
    read = both.run(lambda client: client.orders.get(1))
    with pytest.raises(ValueError, match="without an ETag"):
        both.run(lambda client: client.orders.change(1, status="cancelled", if_match=read))
    with pytest.raises(ValueError, match="part of another answer"):
        both.run(lambda client: client.orders.change(1, status="cancelled", if_match=read.items[0]))


def test_what_came_with_an_answer(both: Both, script: Script):
    headers = {
        "X-Request-ID": "r1", "traceresponse": f"00-{TRACE}-{TRACE[:16]}-01",
        "Idempotent-Replayed": "true", "Location": "/api/v1/orders/1", "RateLimit": '"default";r=42;t=17',
    }  # fmt: skip
    script.always = Say(201, ORDER, headers)
    answer = both.run(lambda client: client.orders.place(items=[])).answer
    assert (answer.status, answer.replayed, answer.location) == (201, True, "/api/v1/orders/1")
    assert (answer.request_id, answer.trace_id) == ("r1", TRACE)
    assert answer.rate_limit is not None
    assert (answer.rate_limit.name, answer.rate_limit.left, answer.rate_limit.seconds) == ("default", 42, 17)


def test_a_deprecated_operation_warns_once(both: Both, script: Script):
    sunset = "Tue, 31 Dec 2030 23:59:59 GMT"
    link = '</api/v2/users/{id}>; rel="successor-version"'
    script.always = Say(200, USER, {"Deprecation": "@1793491200", "Sunset": sunset, "Link": link})

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        both.run(lambda client: client.users.get(7), times=2)
    assert len(script.seen) == 2
    # What is collected meanwhile warns too, of a socket of another test that nobody closed.
    [told] = [each for each in caught if each.category is DeprecationWarning]
    ends = f"GET /api/v2/users/{{user_id}} is deprecated; it ends {sunset}"
    assert str(told.message) == f"{ends}; /api/v2/users/{{id}} comes after it"


def test_the_trace_goes_along(both: Both, script: Script):
    script.always = Say(200, PRODUCT)
    with TracerProvider().get_tracer("test").start_as_current_span("buying") as span:
        both.run(lambda client: client.products.get(3))
    trace_id = format(span.get_span_context().trace_id, "032x")
    assert script.seen[0].headers["traceparent"].split("-")[1] == trace_id
    both.run(lambda client: client.products.get(3))
    assert "traceparent" not in script.seen[1].headers


def test_what_no_method_does_is_sent_with_the_same_manners(both: Both, script: Script):
    script.then(Say(503, problem(503, "no")), Say(206, b"%PDF"))
    answer = both.run(lambda client: client.send("GET", "/api/v1/reports/5/content", headers={"Range": "bytes=0-3"}))
    assert answer.content == b"%PDF"
    assert script.seen[1].headers["range"] == "bytes=0-3"


NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "12"}, 12),
        ({"retry-after": "Thu, 01 Jan 2026 00:00:30 GMT"}, 30),
        ({"retry-after": "Wed, 31 Dec 2025 00:00:00 GMT"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"ratelimit": '"default";r=0;t=17'}, 17),
        ({"ratelimit": '"default";r=3;t=17'}, None),
        ({"ratelimit": "?"}, None),
        ({"retry-after": "12", "ratelimit": '"default";r=0;t=17'}, 12),
    ],
)
def test_for_how_long_an_answer_asks(headers: dict[str, str], seconds: float | None):
    assert retry_after(headers, NOW) == seconds
