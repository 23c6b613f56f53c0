"""What must hold of a candidate before it is measured: a peer that does less work is not a peer."""

import http.client
import json
import time
import uuid
from dataclasses import dataclass

from benchmarks.gateway import spans, wrk
from benchmarks.gateway.candidates.candidate import Candidate, Setting
from benchmarks.gateway.ground import ANSWER, Ground
from benchmarks.gateway.server import Server

QUOTA = 20
_ASKED = 30
_READY_SECONDS = 10.0
_SEEN_SECONDS = 2.0
_OK, _NOT_MODIFIED, _UNAUTHORIZED, _TOO_MANY = 200, 304, 401, 429


class CheckError(Exception):
    """It does not do what it is measured for; the message says what was expected and seen."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Of one request."""

    status: int
    headers: dict[str, str]
    body: bytes


def ask(port: int, path: str, headers: dict[str, str]) -> Answer:
    """One request on a connection of its own."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        link.request("GET", path, headers=headers)
        answer = link.getresponse()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        link.close()


def check(ground: Ground, candidate: Candidate) -> None:
    """Raises CheckError, and StartError when it does not start."""
    ground.forget_counters()
    folder = ground.folder / f"{candidate.name}-check"
    with candidate.start(Setting(ground, folder, QUOTA if candidate.limited else 1_000_000_000)) as server:
        sent = wrk.headers(ground, candidate)
        _ready(server, candidate, sent)
        if candidate.forwards:
            _forwards(ground, candidate, server, sent)
        else:
            _from_cache(ground, candidate, server, sent)
        if candidate.token:
            _refuses(ground, candidate, server)
        if candidate.limited:
            _limits(ground, candidate, server, sent)
    if candidate.spans:
        _traces(ground)


def _ready(server: Server, candidate: Candidate, sent: dict[str, str]) -> None:
    # Keys may still be fetched. Requests that are refused so are not counted by a limit.
    deadline = time.monotonic() + _READY_SECONDS
    while (answer := ask(server.port, candidate.path, sent)).status not in (_OK, _NOT_MODIFIED):
        if time.monotonic() > deadline:
            raise CheckError(f"{answer.status} {answer.body[:200]!r} and not 200:\n{server.said()}")
        time.sleep(0.05)


def _forwards(ground: Ground, candidate: Candidate, server: Server, sent: dict[str, str]) -> None:
    mark = uuid.uuid4().hex
    _same(ask(server.port, candidate.path, {**sent, "X-Check": mark}))
    seen = _seen(ground, mark)
    # fast-gateway adds an empty query.
    if seen is None or (seen["method"], seen["path"].removesuffix("?")) != ("GET", candidate.path):
        raise CheckError(f"the upstream saw {seen}")
    if not seen["request_id"]:
        raise CheckError("the upstream got no request id")


def _from_cache(ground: Ground, candidate: Candidate, server: Server, sent: dict[str, str]) -> None:
    plain = {name: value for name, value in sent.items() if name != "If-None-Match"}
    _same(ask(server.port, candidate.path, plain))
    mark = uuid.uuid4().hex
    answer = ask(server.port, candidate.path, {**sent, "X-Check": mark})
    if candidate.condition:
        if answer.status != _NOT_MODIFIED or answer.body:
            raise CheckError(f"{answer.status} and {len(answer.body)} bytes, not 304 and none")
    else:
        _same(answer)
    if _seen(ground, mark, wait=0.2) is not None:
        raise CheckError("the upstream was asked for what should be in the cache")


def _same(answer: Answer) -> None:
    if answer.status != _OK or answer.body != ANSWER.encode():
        raise CheckError(f"{answer.status} {answer.body[:200]!r} is not what the upstream said")
    if not answer.headers.get("x-request-id"):
        raise CheckError("no request id in the answer")


def _refuses(ground: Ground, candidate: Candidate, server: Server) -> None:
    issuer, algorithm = ground.issuer, candidate.token or ""
    tokens = {"no": None, "a forged": issuer.forged(algorithm), "an expired": issuer.expired(algorithm)}
    for kind, token in tokens.items():
        mark = uuid.uuid4().hex
        headers = {"X-Check": mark} | ({} if token is None else {"Authorization": f"Bearer {token}"})
        answer = ask(server.port, candidate.path, headers)
        if answer.status != _UNAUTHORIZED or _seen(ground, mark, wait=0) is not None:
            raise CheckError(f"{kind} token is answered {answer.status}")


def _limits(ground: Ground, candidate: Candidate, server: Server, sent: dict[str, str]) -> None:
    # Another user than before where the limit is of the user: nothing of it is used up.
    token = ground.issuer.token(candidate.token or "", subject="limited")
    mine = [
        ask(server.port, candidate.path, {**sent, "Authorization": f"Bearer {token}"}).status for _ in range(_ASKED)
    ]
    admitted, refused = mine.count(_OK), mine.count(_TOO_MANY)
    # Two were admitted by the checks before.
    expected = QUOTA - 2 if candidate.limit_of_all else QUOTA
    if admitted != expected or refused != _ASKED - expected:
        raise CheckError(f"of {_ASKED} requests the limit of {QUOTA} admitted {admitted} and refused {refused}")


def _traces(ground: Ground) -> None:
    # The server has stopped and sent what it held. Refusals are traced too.
    count = spans.arrived(ground.folder / "spans")
    if count < _ASKED:
        raise CheckError(f"{count} spans arrived of more than {_ASKED} requests")


def _seen(ground: Ground, mark: str, wait: float = _SEEN_SECONDS) -> dict[str, str] | None:
    log, deadline = ground.folder / "seen.log", time.monotonic() + wait
    while True:
        for line in log.read_text().splitlines() if log.exists() else ():
            entry = json.loads(line)
            if entry["check"] == mark:
                return entry
        if time.monotonic() >= deadline:
            return None
        time.sleep(0.02)
