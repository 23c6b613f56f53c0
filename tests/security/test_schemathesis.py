"""OWASP API8, API9: no made-up request gets an answer that the document does not promise, and none breaks us.

``make fuzz`` does more of it: FUZZ_EXAMPLES an operation, or round after round for FUZZ_SECONDS, from FUZZ_SEED on.
"""

import os
import time
from dataclasses import replace
from typing import Any

import httpx
import pytest
from belongings import Owner, newcomer
from e2e_system import Person, System, sign_in
from fuzzing import Attacker, failures, operations
from https_receiver import HttpsReceiver

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES") or 3)
SEED = int(os.environ.get("FUZZ_SEED") or 1)
SECONDS = float(os.environ.get("FUZZ_SECONDS") or 0)


EACH_KIND = (
    "{user_id}{avatar}{key_id}{session_id}{product_id}{import_id}{order_id}{payment_id}"
    "{report_id}{schedule_id}{webhook_id}{delivery_id}"
)


@pytest.fixture
def attackers(client: httpx.Client, boss: Person, receiver: HttpsReceiver, system: System) -> Any:
    """Nobody, a user or an admin, aiming at somebody who has an object of each kind."""

    def victim() -> Owner:
        owner = newcomer(client, boss, receiver)
        owner.path(EACH_KIND)
        return owner

    def admin() -> Owner:
        owner = victim()
        promoted = client.patch(f"/api/v1/users/{owner.person.id}", json={"role": "admin"}, headers=boss.headers)
        assert promoted.status_code == 200
        tokens = sign_in(client, owner.person.email, owner.person.password)
        owner.person = replace(owner.person, token=tokens["access_token"])
        return owner

    made = {"nobody": (victim, False), "user": (victim, True), "admin": (admin, True)}
    return lambda who: Attacker(system.gateway, made[who][0], signed_in=made[who][1])


@pytest.mark.parametrize("who", ["nobody", "user", "admin"])
def test_each_answer_is_one_that_the_document_promises(who: str, attackers: Any, document: dict[str, Any]):
    attacker = attackers(who)
    deadline, start = time.monotonic() + SECONDS, SEED
    while True:
        found = [
            failure
            for operation in operations(document)
            for failure in failures(operation, attacker, examples=EXAMPLES, start=start, shrink=bool(SECONDS))
        ]
        assert not found, f"with FUZZ_SEED={start}:\n" + "\n".join(found)
        assert attacker.sent > len(list(operations(document)))
        start += 1
        if time.monotonic() >= deadline:
            return
