"""What a key is good for at a time, and when the next one is due."""

from datetime import UTC, datetime, timedelta

import pytest

from users.domain.signing_keys import VERIFIES_FOR, Algorithm, KeyRecord, KeyState, in_state, next_change, rotation_due

T0 = datetime(2026, 1, 1, tzinfo=UTC)
MONTH, AHEAD = timedelta(days=30), timedelta(minutes=15)
SECOND = timedelta(seconds=1)


def key(name: str, signs_from: datetime, signs_until: datetime | None = None) -> KeyRecord:
    return KeyRecord(name, Algorithm.EDDSA, {}, "sealed", T0, signs_from, signs_until)


OLD, NEW = key("old", T0, T0 + MONTH), key("new", T0 + MONTH)


@pytest.mark.parametrize(
    ("now", "old", "new"),
    [
        (T0, KeyState.ACTIVE, KeyState.NEXT),
        (T0 + MONTH - SECOND, KeyState.ACTIVE, KeyState.NEXT),
        (T0 + MONTH, KeyState.RETIRED, KeyState.ACTIVE),
        (T0 + MONTH + VERIFIES_FOR - SECOND, KeyState.RETIRED, KeyState.ACTIVE),
        (T0 + MONTH + VERIFIES_FOR, KeyState.GONE, KeyState.ACTIVE),
    ],
)
def test_one_signs_at_each_moment_and_the_one_before_verifies_until_its_last_token_has_expired(
    now: datetime, old: KeyState, new: KeyState
):
    assert (OLD.state_at(now), NEW.state_at(now)) == (old, new)
    assert in_state([OLD, NEW], KeyState.ACTIVE, now) is not None


def test_the_overlap_is_longer_than_a_token_lives():
    assert timedelta(minutes=15, seconds=5) < VERIFIES_FOR


def test_the_next_one_is_made_so_early_that_it_signs_when_the_period_is_over():
    def due(now: datetime, *keys: KeyRecord, algorithm: Algorithm = Algorithm.EDDSA) -> bool:
        return rotation_due(keys, now, period=MONTH, ahead=AHEAD, algorithm=algorithm)

    alone = key("alone", T0)
    assert not due(T0 + MONTH - AHEAD - SECOND, alone)
    assert due(T0 + MONTH - AHEAD, alone)
    assert due(T0 + 3 * MONTH, alone), "after a standstill too"
    assert not due(T0 + MONTH - SECOND, OLD, NEW), "it is on its way"
    assert due(T0 + SECOND, alone, algorithm=Algorithm.ES256), "another algorithm is wanted"
    assert not due(T0), "the API makes the first"


def test_the_next_change_is_what_is_planned_or_else_due():
    assert next_change([OLD, NEW], T0, MONTH) == T0 + MONTH
    assert next_change([key("alone", T0)], T0 + SECOND, MONTH) == T0 + MONTH
    assert next_change([], T0, MONTH) is None
