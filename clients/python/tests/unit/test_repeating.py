"""What is sent again and what is not, seen by a server."""

import time

import pytest
from both_clients import Both
from client_answers import ORDER, USER, problem
from scripted_server import Say, Script

from gatehouse_client import Conflict, NotFound, NotReached, RateLimited, Unavailable

AWAY = Say(503, problem(503, "upstream_away"), {"Retry-After": "0"})
LINES = [{"product_id": 3, "quantity": 2}]


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
def test_a_read_is_repeated_until_it_is_answered(both: Both, script: Script, status: int):
    script.then(Say(status, problem(status, "no")), Say(status, b"<html>"), Say(200, USER))
    assert both.run(lambda client: client.users.get(7)).name.first == "Ada"
    assert len(script.seen) == 3
    assert len({seen.headers["x-request-id"] for seen in script.seen}) == 1


@pytest.mark.parametrize("status", [400, 404, 409, 500])
def test_an_answer_that_will_not_change_is_not_asked_for_again(both: Both, script: Script, status: int):
    script.always = Say(status, problem(status, "so_it_is"))
    with pytest.raises(Exception, match="so_it_is"):
        both.run(lambda client: client.users.get(7))
    assert len(script.seen) == 1


@pytest.mark.parametrize(
    "broken", [AWAY, Say(cut=0), Say(201, ORDER, cut=20)], ids=["away", "cut", "cut in the answer"]
)
def test_an_order_is_repeated_under_its_one_key(both: Both, script: Script, broken: Say):
    script.then(broken, Say(409, problem(409, "idempotency_in_progress")), broken, Say(201, ORDER))
    order = both.run(lambda client: client.orders.place(items=LINES))
    assert order.id == 1
    assert len(script.seen) == 4
    assert len({seen.headers["idempotency-key"] for seen in script.seen}) == 1
    assert len({seen.body for seen in script.seen}) == 1


def test_each_call_has_a_key_of_its_own_unless_one_is_given(both: Both, script: Script):
    script.always = Say(201, ORDER)
    both.run(lambda client: client.orders.place(items=LINES))
    both.run(lambda client: client.orders.place(items=LINES))
    both.run(lambda client: client.orders.place(items=LINES, idempotency_key="mine"))
    keys = [seen.headers["idempotency-key"] for seen in script.seen]
    assert len(set(keys)) == 3
    assert keys[2] == "mine"


@pytest.mark.parametrize("broken", [AWAY, Say(429, problem(429, "rate_limited")), Say(cut=0)])
def test_a_post_without_a_key_is_sent_once(both: Both, script: Script, broken: Say):
    script.always = broken
    with pytest.raises((Unavailable, RateLimited, NotReached)):
        both.run(lambda client: client.users.register(name="Ada", email="a@example.com", password="Correct1Horse"))
    assert len(script.seen) == 1


def test_a_conditional_change_is_sent_once(both: Both, script: Script):
    script.always = AWAY
    with pytest.raises(Unavailable):
        both.run(lambda client: client.products.replace(3, sku="K", name="Cup", price="1", stock=1, if_match='"1"'))
    assert len(script.seen) == 1
    assert script.seen[0].headers["if-match"] == '"1"'


def test_out_of_stock_is_final(both: Both, script: Script):
    script.always = Say(409, problem(409, "out_of_stock"))
    with pytest.raises(Conflict) as raised:
        both.run(lambda client: client.orders.place(items=LINES))
    assert (raised.value.code, len(script.seen)) == ("out_of_stock", 1)


def test_it_gives_up_after_its_retries(both: Both, script: Script):
    script.always = AWAY
    both.manners["retries"] = 2
    with pytest.raises(Unavailable, match="upstream_away"):
        both.run(lambda client: client.orders.list())
    assert len(script.seen) == 3


def test_a_wait_that_does_not_fit_before_the_deadline_is_not_begun(both: Both, script: Script):
    script.always = Say(429, problem(429, "rate_limited"), {"Retry-After": "3600"})
    began = time.monotonic()
    with pytest.raises(RateLimited) as raised:
        both.run(lambda client: client.users.me())
    assert raised.value.retry_after == 3600
    assert len(script.seen) == 1
    assert time.monotonic() - began < 3600


def test_it_comes_back_when_it_was_asked_to(both: Both, script: Script):
    came: list[float] = []

    def asks(_seen: object) -> Say:
        came.append(time.monotonic())
        return Say(429, problem(429, "rate_limited"), {"Retry-After": "1"}) if len(came) == 1 else Say(200, USER)

    script.always = asks
    both.run(lambda client: client.users.get(7))
    assert came[1] - came[0] >= 1


@pytest.mark.parametrize("both", ["blocking", "async"], indirect=True)
def test_nobody_there_is_tried_again_even_without_a_key(both: Both):
    waits: list[float] = []
    both._url = "http://127.0.0.1:1"
    both.manners |= {"retries": 3, "spread": lambda _low, high: waits.append(high) or 0.0}
    with pytest.raises(NotReached, match="ConnectError"):
        both.run(lambda client: client.auth.log_in(email="a@example.com", password="Correct1Horse"))
    assert waits[:3] == [0.25, 0.5, 1.0]


def test_a_path_part_cannot_lead_elsewhere(both: Both, script: Script):
    script.always = Say(404, problem(404, "oauth_client_not_found"))
    with pytest.raises(NotFound):
        both.run(lambda client: client.oauth_clients.get("../users/1?x=#"))
    assert script.seen[0].path == "/api/v1/oauth/clients/..%2Fusers%2F1%3Fx%3D%23"
    with pytest.raises(ValueError, match="not a part of a path"):
        both.run(lambda client: client.oauth_clients.get(".."))
