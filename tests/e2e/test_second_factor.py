"""A second factor from its first code to its last, and the cookie of a browser that is known, through the gateway."""

import time
from datetime import timedelta
from typing import Any

import httpx
import pyotp
from e2e_system import Person, System, register

from shared.kept_secrets import SignedTokens

PATH = "/api/v1/users/me/second-factor"
COOKIE = "gatehouse_device"
LIFETIME = timedelta(days=180)


class Phone:
    """An authenticator app by the real clock that never gives a code twice.

    Of the service's time a code may be a step (30 s) late or early, so that none is wrong by the time it arrives.
    """

    def __init__(self, secret: str) -> None:
        self._totp = pyotp.TOTP(secret)
        self._last = 0

    def code(self) -> str:
        """The next code."""
        self._last = max(self._last + 1, self._now())
        return self._totp.generate_otp(self._last)

    def wrong_code(self) -> str:
        """A code of no step about now."""
        near = {self._totp.generate_otp(self._now() + drift) for drift in range(-3, 6)}
        return next(code for code in map("{:06}".format, range(20)) if code not in near)

    def _now(self) -> int:
        return int(time.time()) // 30


def log_in(client: httpx.Client, person: Person, code: str | None = None) -> tuple[int, str]:
    """Status and code of the error."""
    body: dict[str, Any] = {"email": person.email, "password": person.password}
    answer = client.post("/api/v1/auth/login", json=body if code is None else {**body, "code": code})
    if answer.status_code == 401:
        assert "www-authenticate" in answer.headers
    return answer.status_code, answer.json().get("code", "")


def test_a_second_factor_from_on_to_off(client: httpx.Client, person: Person):
    proof = {"current_password": person.password}
    begun = client.post(PATH, json=proof, headers=person.headers)
    assert begun.status_code == 201, begun.text
    phone = Phone(begun.json()["secret"])
    confirmed = client.post(f"{PATH}/confirm", json={"code": phone.code()}, headers=person.headers)
    assert confirmed.status_code == 200, confirmed.text
    first, second, *_ = confirmed.json()["recovery_codes"]

    assert log_in(client, person) == (401, "second_factor_required")
    assert log_in(client, person, phone.wrong_code()) == (401, "invalid_code")
    code = phone.code()
    assert log_in(client, person, code) == (200, "")
    assert log_in(client, person, code) == (401, "invalid_code")
    assert log_in(client, person, first) == (200, "")
    assert log_in(client, person, first) == (401, "invalid_code")

    off = client.request("DELETE", PATH, json={**proof, "code": second}, headers=person.headers)
    assert off.status_code == 204, off.text
    assert log_in(client, person) == (200, "")


def test_the_cookie_of_a_known_browser_passes_both_ways(processes: System):
    assert processes.state is not None
    tokens = SignedTokens(((processes.state / "keys" / "second_factor.key").read_text(),), "device cookie")

    def device_after(answer: httpx.Response) -> str:
        [line] = answer.headers.get_list("set-cookie")
        cookie, *attributes = line.split("; ")
        name, _, token = cookie.partition("=")
        assert name == COOKIE
        assert {"HttpOnly", "Path=/api", "SameSite=strict"} <= set(attributes)
        return tokens.read(token, LIFETIME)

    with processes.client() as browser, processes.client() as stranger:
        person = register(browser)
        body = {"email": person.email, "password": person.password}
        first, again = (device_after(browser.post("/api/v1/auth/login", json=body)) for _ in range(2))
        assert first == again
        assert first.startswith(f"{person.id}.")
        assert device_after(stranger.post("/api/v1/auth/login", json=body)) != first
