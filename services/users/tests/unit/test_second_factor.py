"""The rules of the second factor, by a clock that the test holds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest

from users.domain.second_factor import (
    MOST_IN_A_ROW,
    MOST_IN_WINDOW,
    WINDOW,
    SecondFactor,
    is_recovery_code,
    matching_step,
    new_recovery_code,
    new_secret,
    otpauth_uri,
    typed,
)

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
STEP = int(NOON.timestamp()) // 30
FACTOR = SecondFactor(
    user_id=1,
    secret="",
    begun_at=NOON,
    confirmed_at=NOON,
    last_step=0,
    failures=0,
    window_began_at=None,
    window_failures=0,
)


def test_the_codes_are_those_of_rfc_6238():
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # appendix B: "12345678901234567890"
    for second, code in [(59, "287082"), (1111111109, "081804"), (20000000000, "353130")]:
        assert matching_step(secret, code, datetime.fromtimestamp(second, UTC), 0) == second // 30


@pytest.mark.parametrize(("drift", "taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_one_step_of_drift_is_allowed(drift: int, taken: bool):  # noqa: FBT001 - a row of the table
    secret = new_secret()
    code = pyotp.TOTP(secret).generate_otp(STEP + drift)
    assert matching_step(secret, code, NOON, 0) == (STEP + drift if taken else None)


def test_a_code_and_those_before_it_are_taken_once():
    secret = new_secret()
    before, now = (pyotp.TOTP(secret).generate_otp(STEP + drift) for drift in (-1, 0))
    assert matching_step(secret, now, NOON, STEP - 1) == STEP
    assert matching_step(secret, now, NOON, STEP) is None
    assert matching_step(secret, before, NOON, STEP) is None


@pytest.mark.parametrize("code", ["", "12345", "1234567", "١٢٣٤٥٦", "12345a", "-12345", "123456\n"])
def test_what_is_no_code_is_not_taken(code: str):
    assert matching_step(new_secret(), code, NOON, 0) is None


def test_a_secret_has_160_bits_and_the_uri_tells_it():
    secret = new_secret()
    assert len(secret) == 32
    uri = urlsplit(otpauth_uri(secret, "ada+x@example.com"))
    assert (uri.scheme, uri.netloc, uri.path) == ("otpauth", "totp", "/Gatehouse:ada%2Bx%40example.com")
    assert parse_qs(uri.query) == {"secret": [secret], "issuer": ["Gatehouse"]}


def test_recovery_codes_are_taken_as_people_type_them():
    code = new_recovery_code()
    assert len({new_recovery_code() for _ in range(100)}) == 100
    assert is_recovery_code(typed(code))
    assert typed(f" {code.upper().replace('-', ' ')} ") == typed(code)
    assert not is_recovery_code("123456")


def test_ten_wrong_codes_in_fifteen_minutes_and_then_a_wait():
    factor = FACTOR
    for failure in range(MOST_IN_WINDOW):
        assert factor.wait(NOON + timedelta(minutes=failure)) is None
        factor = factor.failed(NOON + timedelta(minutes=failure))
    assert factor.wait(NOON + timedelta(minutes=10)) == timedelta(minutes=5)
    assert factor.wait(NOON + WINDOW) is None
    assert factor.failed(NOON + WINDOW).window_failures == 1


def test_a_hundred_wrong_codes_in_a_row_lock_however_slow():
    # TRAPS.md, Auth 4 (NIST SP 800-63B section 5.2.2)
    factor, at = FACTOR, NOON
    for _ in range(MOST_IN_A_ROW):
        assert not factor.locked
        factor, at = factor.failed(at), at + timedelta(hours=1)
        assert factor.wait(at) is None
    assert factor.locked
    assert not replace(factor, failures=0).locked
