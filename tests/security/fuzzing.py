"""Requests made up from the OpenAPI document, sent to the gateway, and the answers held against it."""

from collections.abc import Callable, Iterator
from typing import Any

import requests
import schemathesis
from belongings import Owner
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import checks
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks as openapi_checks

# What is asked of each answer: a status that the document names and is none of ours to blush for, and its schema.
_HELD = [
    checks.not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_headers_conformance,
    openapi_checks.response_schema_conformance,
]
_STRANGERS_ID = 10**9
"""Ids from here on are nobody's: a smaller one that was made up might be somebody's whom other tests need."""


class Attacker:
    """Who sends what is made up, at the objects of one who is new and owns some of each kind.

    With ``signed_in`` that owner is the one who sends.
    """

    def __init__(self, base_url: str, newcomer: Callable[[], Owner], *, signed_in: bool) -> None:
        self._base_url = base_url
        self._newcomer = newcomer
        self._signed_in = signed_in
        self._owner = newcomer()
        self._token = self._owner.person.token
        self._session = requests.Session()
        self._session.trust_env = False
        self.sent = 0

    def still_there(self) -> None:
        """Where a request before has ended the session or the account, as it rightly may, begin anew."""
        if not self._signed_in:
            return
        owner = self._owner
        if owner.client.get("/api/v1/users/me", headers=self._headers).status_code == 200:
            return
        body = {"email": owner.person.email, "password": owner.person.password}
        again = owner.client.post("/api/v1/auth/login", json=body)
        if again.status_code == 200:
            self._token = again.json()["access_token"]
        else:
            self._owner = self._newcomer()
            self._token = self._owner.person.token

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"} if self._signed_in else {}

    def send(self, case: Any) -> None:
        """Send one case, aimed at an object that is there or at one that is not. Raises FailureGroup."""
        for name, value in case.path_parameters.items():
            known = self._owner.ids.get(name)
            if known is not None and isinstance(value, int) and value < _STRANGERS_ID:
                case.path_parameters[name] = known
        self.sent += 1
        answer = case.call(base_url=self._base_url, session=self._session, headers=self._headers, timeout=60)
        case.validate_response(answer, checks=_HELD)


def operations(document: dict[str, Any]) -> Iterator[Any]:
    """Each operation of the document."""
    for found in schemathesis.openapi.from_dict(document).get_all_operations():
        yield found.ok()


def failures(operation: Any, attacker: Attacker, *, examples: int, start: int, shrink: bool = False) -> list[str]:
    """What is wrong with the answers to ``examples`` right requests and as many wrong ones."""
    found: list[str] = []
    for mode in GenerationMode:
        attacker.still_there()
        try:
            _run(operation.as_strategy(generation_mode=mode), attacker.send, examples, start, shrink=shrink)
        except Unsatisfiable:
            # An operation that takes nothing can be asked wrongly by nobody.
            assert mode is GenerationMode.NEGATIVE, operation.label
        except (FailureGroup, Failure) as error:
            found.append(f"{operation.label} ({mode.value}): {_told(error)}")
    return found


def _run(strategy: Any, send: Callable[[Any], None], examples: int, start: int, *, shrink: bool) -> None:
    @seed(start)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink] if shrink else [Phase.generate],
        report_multiple_bugs=False,
    )
    @given(case=strategy)
    def attack(case: Any) -> None:
        send(case)

    attack()


def _told(error: BaseException) -> str:
    if isinstance(error, FailureGroup):
        return "; ".join(_told(each) for each in error.exceptions)
    return f"{type(error).__name__}: {error}"[:1500]
