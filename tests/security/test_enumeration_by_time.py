"""TRAPS auth 4: nobody learns by the clock whether an address has an account, or a client a right name.

Samples of the two kinds are taken in turn, so that a busy machine slows both alike, and compared by their ranks
(Mann-Whitney): no bound of seconds. Without the hash for an unknown account all of its samples are the faster ones.
"""

import math
import random
import secrets
import time
from collections.abc import Callable

import httpx
import pytest
from e2e_system import Person

PAIRS = 25
# Chance alone goes beyond it once in a million runs; of 25 pairs that differ throughout the distance is 6.
BEYOND_CHANCE = 4.9


def rank_distance(some: list[float], others: list[float]) -> float:
    """How many standard deviations the rank sum of ``some`` is from what chance would make it."""
    ranked = sorted([(value, True) for value in some] + [(value, False) for value in others])
    found = sum(rank for rank, (_, is_some) in enumerate(ranked, 1) if is_some)
    n, m = len(some), len(others)
    return (found - n * (n + m + 1) / 2) / math.sqrt(n * m * (n + m + 1) / 12)


def timed(ask: Callable[[], httpx.Response]) -> float:
    begun = time.perf_counter()
    ask()
    return time.perf_counter() - begun


def distance(known: Callable[[], httpx.Response], unknown: Callable[[], httpx.Response]) -> float:
    samples: tuple[list[float], list[float]] = ([], [])
    for _ in range(2):
        known()
        unknown()
    for pair in range(PAIRS):
        # Each kind comes as often after itself as after the other, whose job may still keep the machine busy.
        for kind in ((0, 1), (1, 0))[pair % 2]:
            samples[kind].append(timed((known, unknown)[kind]))
    return rank_distance(*samples)


def test_auth_4_a_login_takes_as_long_for_an_unknown_address(client: httpx.Client, person: Person):
    def login(email: str) -> httpx.Response:
        return client.post("/api/v1/auth/login", json={"email": email, "password": "Wrong1Horse"})

    assert login(person.email).status_code == login("nobody@example.com").status_code == 401
    found = distance(lambda: login(person.email), lambda: login(f"{secrets.token_hex(8)}@example.com"))
    assert abs(found) < BEYOND_CHANCE, f"{found:.1f} standard deviations"


def test_auth_4_a_password_reset_takes_as_long_for_an_unknown_address(client: httpx.Client, person: Person):
    def reset(email: str) -> httpx.Response:
        return client.post("/api/v1/auth/password-reset", json={"email": email})

    answers = reset(person.email), reset("nobody@example.com")
    assert [(answer.status_code, answer.content) for answer in answers] == [(202, b"")] * 2
    found = distance(lambda: reset(person.email), lambda: reset(f"{secrets.token_hex(8)}@example.com"))
    assert abs(found) < BEYOND_CHANCE, f"{found:.1f} standard deviations"


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/introspect"])
def test_auth_4_a_client_with_a_wrong_secret_is_answered_as_one_that_is_not_there(
    path: str, client: httpx.Client, boss: Person
):
    body = {
        "name": "Timed",
        "type": "confidential",
        "grants": ["client_credentials"],
        "redirect_uris": [],
        "scopes": ["orders:read"],
    }
    made = client.post("/api/v1/oauth/clients", json=body, headers=boss.headers)
    assert made.status_code == 201, made.text
    known = made.json()["client_id"]

    def ask(client_id: str) -> httpx.Response:
        form = {"grant_type": "client_credentials", "token": "x"}
        return client.post(f"/api/v1{path}", data=form, auth=(client_id, "ghs_" + "a" * 43))

    answers = ask(known), ask("client-0000000000000000")
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].json() == answers[1].json()


def test_the_measure_sees_a_hash_that_is_skipped():
    """The control: 40 ms beside 2 ms, through ten times the noise of a quiet machine."""
    noisy = random.Random(1)  # noqa: S311 - noise, no secret
    hashed = [0.040 + noisy.expovariate(100) for _ in range(PAIRS)]
    skipped = [0.002 + noisy.expovariate(100) for _ in range(PAIRS)]
    same = [0.040 + noisy.expovariate(100) for _ in range(PAIRS)]
    assert abs(rank_distance(hashed, skipped)) > BEYOND_CHANCE
    assert abs(rank_distance(hashed, same)) < BEYOND_CHANCE
