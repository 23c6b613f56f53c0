"""Signatures, retries, turns, and the box of secrets."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.fernet import Fernet
from standardwebhooks import Webhook, WebhookVerificationError

from reports.domain.webhook_retries import MOST_RETRY_AFTER, SCHEDULE, next_delay, read_retry_after
from reports.domain.webhook_signature import new_secret, sign, signed_headers
from reports.domain.webhook_turns import Places, Waiting, share_out
from shared.kept_secrets import SecretBox, SecretUnreadableError

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_signature_is_that_of_the_specification():
    # The example of the specification's reference libraries.
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    signature = sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_what_we_sign_others_verify_by_either_secret():
    old, new, other = new_secret(), new_secret(), new_secret()
    body = json.dumps({"type": "a", "data": {"ü": 1}}).encode()
    headers = dict(signed_headers([new, old], "msg_1", int(time.time()), body))
    for secret in (old, new):
        assert Webhook(secret).verify(body, headers) == json.loads(body)
    with pytest.raises(WebhookVerificationError):
        Webhook(other).verify(body, headers)


def test_retries_follow_the_schedule_with_some_jitter_and_end():
    for number, planned in enumerate(SCHEDULE):
        for _ in range(20):
            delay = next_delay(number)
            assert delay is not None
            assert planned <= delay <= planned * 1.2
    assert len({next_delay(3) for _ in range(20)}) > 1
    assert next_delay(len(SCHEDULE)) is None
    assert next_delay(len(SCHEDULE), timedelta(hours=1)) is None


def test_retry_after_prolongs_and_never_shortens():
    assert next_delay(0, timedelta(hours=1)) == timedelta(hours=1)
    assert (next_delay(4, timedelta(seconds=1)) or timedelta(0)) >= SCHEDULE[4]
    assert next_delay(0, timedelta(days=400)) == MOST_RETRY_AFTER


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30),
        ("Sun, 01 Mar 2026 11:00:00 GMT", None),
        ("-5", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("٣", None),
        ("9" * 50, 999_999_999),
        ("Sun, 99 Mar 2026 99:00:30 GMT", None),
        ("Sun, 01 Mar 99999999999999999999 12:00:30 GMT", None),
        ("Sun, 01 Mar 2026 12:00:30 +99999999999999999999", None),
    ],
)
def test_a_retry_after_is_read_or_ignored(value: str | None, seconds: int | None):
    assert read_retry_after(value, NOW) == (None if seconds is None else timedelta(seconds=seconds))


def waiting(webhook: int, user: int, *, failing: bool = False, due: int = 100, in_hand: int = 0) -> Waiting:
    return Waiting(webhook, user, failing, due, in_hand)


def test_each_gets_one_before_any_gets_another():
    turns = share_out([waiting(1, 1), waiting(2, 2), waiting(3, 3)], Places(process=4, user=6, webhook=3), 0, 0)
    assert turns == {1: 2, 2: 1, 3: 1}


def test_no_webhook_and_no_user_takes_all():
    places = Places(process=20, user=4, webhook=3)
    turns = share_out([waiting(1, 7), waiting(2, 7), waiting(3, 7), waiting(4, 8)], places, 0, 0)
    assert turns[4] == 3
    assert sum(turns[webhook] for webhook in (1, 2, 3)) == 4
    assert share_out([waiting(1, 7, in_hand=3), waiting(2, 7, in_hand=1)], places, 4, 0) == {}
    assert share_out([waiting(1, 7, due=1)], places, 0, 0) == {1: 1}


def test_those_that_fail_share_half_one_each():
    places = Places(process=6, user=6, webhook=3)
    failing = [waiting(number, number, failing=True) for number in range(1, 9)]
    assert share_out(failing, places, 0, 0) == {1: 1, 2: 1, 3: 1}
    assert share_out([*failing, waiting(9, 9)], places, 3, 3) == {9: 3}
    assert share_out([waiting(1, 1, failing=True, in_hand=1)], places, 1, 1) == {}
    assert share_out([waiting(9, 9)], places, 6, 0) == {}


def test_secrets_are_kept_encrypted_and_keys_can_be_replaced():
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    secret = new_secret()
    kept = SecretBox((old,), "WEBHOOKS_KEY").close(secret)
    assert secret not in kept
    assert SecretBox((new, old), "WEBHOOKS_KEY").open(kept) == secret
    with pytest.raises(SecretUnreadableError) as unreadable:
        SecretBox((new,), "WEBHOOKS_KEY").open(kept)
    assert secret not in str(unreadable.value)
