"""Tokens that end: renewed once for all who wait, and never by a refresh token that may be spent."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from both_clients import PATIENT, Both
from client_answers import TOKEN, USER, problem
from scripted_server import Say, Script, Seen

from gatehouse_client import (
    ApiKey,
    AsyncGatehouse,
    CannotRenew,
    ClientCredentials,
    Gatehouse,
    Manners,
    Tokens,
    Unauthorized,
)
from shared.testing.waiting import PATIENCE_SECONDS

ENDED = Say(401, problem(401, "invalid_token"))
MANY = 8


def only_second(seen: Seen) -> Say:
    """An API whose first token has ended."""
    if seen.path == "/api/v1/auth/refresh":
        return Say(200, TOKEN)
    return Say(200, USER) if seen.headers.get("authorization") == "Bearer second" else ENDED


def refreshes(script: Script) -> list[Seen]:
    return [seen for seen in script.seen if seen.path == "/api/v1/auth/refresh"]


def test_a_token_that_ended_is_renewed_and_the_new_pair_is_told(both: Both, script: Script):
    script.always = only_second
    told: list[Tokens] = []
    both.options = {"credential": Tokens("first", "r1"), "on_tokens": told.append}
    assert both.run(lambda client: client.users.get(7)).id == 7
    assert [seen.json for seen in refreshes(script)] == [{"refresh_token": "r1"}]
    assert "authorization" not in refreshes(script)[0].headers
    assert told == [Tokens("second", "r2")]


def test_many_threads_renew_once(script: Script):
    together = threading.Barrier(MANY)

    def asks(seen: Seen) -> Say:
        if seen.headers.get("authorization") == "Bearer first":
            together.wait(PATIENCE_SECONDS)
        return only_second(seen)

    script.always = asks
    with httpx.Client(trust_env=False, limits=httpx.Limits(max_connections=MANY)) as http:
        client = Gatehouse(script.url, credential=Tokens("first", "r1"), http=http, manners=Manners(**PATIENT))
        with ThreadPoolExecutor(MANY) as pool:
            users = list(pool.map(lambda _: client.users.get(7), range(MANY)))
    assert [user.id for user in users] == [7] * MANY
    assert len(refreshes(script)) == 1


async def test_many_tasks_renew_once(script: Script):
    together = threading.Barrier(MANY)

    def asks(seen: Seen) -> Say:
        if seen.headers.get("authorization") == "Bearer first":
            together.wait(PATIENCE_SECONDS)
        return only_second(seen)

    script.always = asks
    async with httpx.AsyncClient(trust_env=False) as http:
        client = AsyncGatehouse(script.url, credential=Tokens("first", "r1"), http=http, manners=Manners(**PATIENT))
        users = await asyncio.gather(*(client.users.get(7) for _ in range(MANY)))
    assert [user.id for user in users] == [7] * MANY
    assert len(refreshes(script)) == 1


async def test_who_is_cancelled_while_it_renews_loses_no_pair(script: Script):
    asked, go_on = threading.Event(), threading.Event()

    def asks(seen: Seen) -> Say:
        if seen.path == "/api/v1/auth/refresh":
            asked.set()
            assert go_on.wait(PATIENCE_SECONDS)
        return only_second(seen)

    script.always = asks
    async with (
        httpx.AsyncClient(trust_env=False) as http,
        AsyncGatehouse(script.url, credential=Tokens("first", "r1"), http=http, manners=Manners(**PATIENT)) as client,
    ):
        impatient = asyncio.create_task(client.users.get(7))
        assert await asyncio.to_thread(asked.wait, PATIENCE_SECONDS)
        impatient.cancel()
        with pytest.raises(asyncio.CancelledError):
            await impatient
        go_on.set()
        assert (await client.users.get(7)).id == 7
        assert client.credential == Tokens("second", "r2")
    assert len(refreshes(script)) == 1


@pytest.mark.parametrize(
    "broken", [Say(cut=0), Say(502, problem(502, "bad_gateway")), Say(401, problem(401, "invalid_refresh_token"))]
)
def test_a_refresh_token_that_may_be_spent_is_not_used_again(both: Both, script: Script, broken: Say):
    script.always = lambda seen: broken if seen.path == "/api/v1/auth/refresh" else ENDED
    both.options = {"credential": Tokens("first", "r1")}
    with pytest.raises(CannotRenew, match="log in again"):
        both.run(lambda client: client.users.get(7))
    assert both.state.credential == Tokens("first", None)
    assert len(refreshes(script)) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_a_refresh_that_was_refused_may_be_tried_later(both: Both, script: Script, status: int):
    script.always = lambda seen: Say(status, problem(status, "no")) if seen.path == "/api/v1/auth/refresh" else ENDED
    both.options = {"credential": Tokens("first", "r1")}
    with pytest.raises(Exception, match=str(status)):
        both.run(lambda client: client.users.get(7))
    assert both.state.credential == Tokens("first", "r1")


def test_a_token_that_stays_unknown_is_not_renewed_for_ever(both: Both, script: Script):
    script.always = lambda seen: Say(200, TOKEN) if seen.path == "/api/v1/auth/refresh" else ENDED
    both.options = {"credential": Tokens("first", "r1")}
    with pytest.raises(Unauthorized):
        both.run(lambda client: client.users.get(7))
    assert len(refreshes(script)) == 1


@pytest.mark.parametrize("credential", [None, ApiKey("gh_1_key"), Tokens("first")])
def test_what_cannot_be_renewed_is_not(both: Both, script: Script, credential: object):
    script.always = ENDED
    both.options = {"credential": credential}
    with pytest.raises(Unauthorized, match="invalid_token"):
        both.run(lambda client: client.users.get(7))
    assert len(script.seen) == 1
    assert script.seen[0].headers.get("x-api-key") == ("gh_1_key" if isinstance(credential, ApiKey) else None)


def test_a_program_fetches_its_token_first_and_anew_when_it_ended(both: Both, script: Script):
    script.then(Say(200, {"access_token": "first", "expires_in": 1, "scope": "users:read"}), ENDED)
    script.then(
        Say(503, problem(503, "no")), Say(200, {"access_token": "second", "expires_in": 1, "scope": "users:read"})
    )
    script.then(Say(200, USER))
    both.options = {"credential": ClientCredentials("app", "s&cret", "users:read")}
    both.run(lambda client: client.users.get(7))
    assert [seen.path.rpartition("/")[2] for seen in script.seen] == ["token", "7", "token", "token", "7"]
    assert (
        script.seen[0].body == b"grant_type=client_credentials&client_id=app&client_secret=s%26cret&scope=users%3Aread"
    )
    assert script.seen[4].headers["authorization"] == "Bearer second"


def test_no_secret_shows_in_a_repr():
    for credential in (
        ApiKey("hidden"),
        Tokens("hidden", "hidden"),
        ClientCredentials("app", "hidden", None, "hidden"),
    ):
        assert "hidden" not in repr(credential)
