"""A call from its first attempt to its answer: the one place of the rules, which itself neither sends nor waits.

``exchange`` is a generator. It yields what is to be done next (`Send`, `Wait`, `Renew`) and is sent what came of it;
`gatehouse_client.blocking` and `gatehouse_client.asynchronous` do it, each in its way.
"""

from __future__ import annotations

import uuid
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from importlib.metadata import version
from typing import TypeAlias

import httpx

from gatehouse_client.call import Call
from gatehouse_client.credentials import Credential
from gatehouse_client.errors import NotReached, Problem, UnexpectedAnswer, problem_of
from gatehouse_client.manners import Manners, never_sent, passing
from gatehouse_client.state import State
from gatehouse_client.tracing import trace_headers

_USER_AGENT = f"gatehouse-client/{version('gatehouse-client')}"


@dataclass(frozen=True)
class Send:
    """Make one attempt. What comes of it: the response, read to its end unless it is good and streamed, or the failure.

    ``seconds`` is how long connecting, and each piece of the answer, may take.
    """

    call: Call
    headers: Mapping[str, str]
    seconds: float


@dataclass(frozen=True)
class Wait:
    """Do nothing for so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Renew:
    """Get another token, unless somebody has done so since this one was used."""

    used: Credential


Step: TypeAlias = Send | Wait | Renew
Outcome: TypeAlias = httpx.Response | httpx.TransportError | None
Flow: TypeAlias = Generator[Step, Outcome, httpx.Response]


def exchange(call: Call, state: State, manners: Manners) -> Flow:
    """The answer to a call, of a status below 400.

    Raises Problem for another answer and NotReached for none, once there is no good in trying again.
    """
    # One id for all attempts: the logs of each are found by it.
    headers = {"User-Agent": _USER_AGENT, "X-Request-ID": uuid.uuid4().hex, **trace_headers(), **call.headers}
    end = state.clock() + manners.deadline
    renewed = False
    attempt = 0
    while True:
        used = state.credential if call.signed else None
        if used is not None and used.renewable and not used.headers:
            yield Renew(used)
            used = state.credential
        signed = {**headers, **(used.headers if used else {})}
        patience = manners.idle if call.streamed else max(0.001, min(manners.timeout, end - state.clock()))
        outcome = yield Send(call, signed, patience)
        if isinstance(outcome, httpx.Response) and outcome.status_code < HTTPStatus.BAD_REQUEST:
            return _heeded(call, state, outcome)
        error = _error(call, outcome)
        if _token_ended(error) and used is not None and used.renewable and not renewed:
            renewed = True
            yield Renew(used)
            continue
        pause = manners.wait(attempt, error.retry_after if isinstance(error, Problem) else None)
        late = state.clock() + pause >= end
        if late or attempt >= manners.retries or not _again(call, error, outcome):
            raise error
        yield Wait(pause)
        attempt += 1


def _heeded(call: Call, state: State, response: httpx.Response) -> httpx.Response:
    state.heed(call, response)
    if response.has_redirect_location:
        raise UnexpectedAnswer(f"{call.method} {call.path} leads to {response.headers['location']}; is the URL right?")
    return response


def _error(call: Call, outcome: Outcome) -> Problem | NotReached:
    if isinstance(outcome, httpx.Response):
        return problem_of(outcome)
    error = NotReached(f"{call.method} {call.path}: {type(outcome).__name__} {outcome}".rstrip())
    error.__cause__ = outcome
    return error


def _token_ended(error: Problem | NotReached) -> bool:
    # Nothing was done, so that any method may be sent again.
    return isinstance(error, Problem) and error.status == HTTPStatus.UNAUTHORIZED


def _again(call: Call, error: Problem | NotReached, outcome: Outcome) -> bool:
    if isinstance(error, Problem):
        return call.repeatable and passing(error)
    return isinstance(outcome, Exception) and (call.repeatable or never_sent(outcome))
