"""What is done beyond the tables must be held to the promise as well: each test plants one wrong."""

from dataclasses import replace

import pytest

from chaos.checker import Wrong, check
from chaos.end_state import AvatarRow, ClockReportRow, EndState, HookRow, WireEvent
from chaos.ledger import Kind, Ledger, Operation, Outcome

MINUTE = "2026-11-23 07:00:00+00"


@pytest.fixture
def ledger() -> Ledger:
    """Two pictures, the second of which counts, and a clock."""
    acknowledged = Outcome.ACKNOWLEDGED
    return Ledger(
        operations=[
            Operation(Kind.AVATAR, 7, (1,), "k1", acknowledged, 1),
            Operation(Kind.AVATAR, 7, (2,), "k2", acknowledged, 1),
            Operation(Kind.SCHEDULE, 8, (), "k3", acknowledged, 2, {"id": 31}),
        ]
    )


@pytest.fixture
def state() -> EndState:
    def paid(number: int, user_id: int) -> WireEvent:
        return WireEvent(f"e{number}", "products.changed.v1", f"products/{number}", {"user_id": user_id, "version": 1})

    both = {"msg_e1": "succeeded", "msg_e2": "succeeded"}
    return EndState(
        events=[paid(1, 7), paid(2, 9)],
        hooks=[
            HookRow(None, ("products.changed.v1",), dict(both), frozenset(both)),
            HookRow(7, ("products.changed.v1",), {"msg_e1": "succeeded"}, frozenset({"msg_e1"})),
            HookRow(7, ("orders.paid.v1",), {}, frozenset()),
        ],
        avatars=[AvatarRow(7, {128: 2, 256: 2, 512: 2})],
        clock_reports=[ClockReportRow(8, 31, MINUTE)],
    )


def found(ledger: Ledger, state: EndState) -> list[tuple[Wrong, str]]:
    return [(violation.wrong, violation.fact) for violation in check(ledger, {}, state)]


def test_all_is_well(ledger: Ledger, state: EndState):
    assert found(ledger, state) == []


def test_a_message_that_never_came(ledger: Ledger, state: EndState):
    state.hooks[1] = replace(state.hooks[1], taken=frozenset())
    [(wrong, fact)] = found(ledger, state)
    assert wrong is Wrong.LOST
    assert "the webhook of user 7 was not told of products.changed.v1 of products/1" in fact


def test_a_log_that_leaves_a_message_out(ledger: Ledger, state: EndState):
    state.hooks[0].log.pop("msg_e2")
    [(wrong, fact)] = found(ledger, state)
    assert (wrong, "has no msg_e2 in its log" in fact) == (Wrong.LOST, True)


@pytest.mark.parametrize("status", ["pending", "failed"])
def test_a_delivery_that_did_not_end_well(ledger: Ledger, state: EndState, status: str):
    state.hooks[0].log["msg_e2"] = status
    assert [wrong for wrong, _ in found(ledger, state)] == [Wrong.UNFINISHED]


def test_a_message_about_somebody_else(ledger: Ledger, state: EndState):
    state.hooks[1] = replace(state.hooks[1], taken=frozenset({"msg_e1", "msg_e2"}))
    assert [wrong for wrong, _ in found(ledger, state)] == [Wrong.CONTRADICTION]


def test_a_signature_that_is_not_right(ledger: Ledger, state: EndState):
    state.hooks[1] = replace(state.hooks[1], faults=("msg_e1: its signature: no match",))
    assert found(ledger, state) == [
        (Wrong.CONTRADICTION, "the webhook of user 7: msg_e1: its signature: no match"),
    ]


@pytest.mark.parametrize(
    ("shown", "wrong"),
    [
        ({128: 2, 256: 2, 512: None}, Wrong.LOST),
        ({128: 2, 256: 1, 512: 2}, Wrong.MISMATCH),
        ({128: 1, 256: 1, 512: 1}, Wrong.LOST),
    ],
)
def test_a_picture_that_is_not_the_last_one(
    ledger: Ledger, state: EndState, shown: dict[int, int | None], wrong: Wrong
):
    state.avatars = [AvatarRow(7, shown)]
    assert [each for each, _ in found(ledger, state)] == [wrong]


def test_a_try_that_was_left_open_may_have_come_last(ledger: Ledger, state: EndState):
    state.avatars = [AvatarRow(7, {128: 1, 256: 1, 512: 1})]
    ledger.operations[0].attempts = 2
    assert found(ledger, state) == []


def test_a_clock_that_asked_for_nothing(ledger: Ledger, state: EndState):
    state.clock_reports = []
    assert [wrong for wrong, _ in found(ledger, state)] == [Wrong.LOST]


def test_a_clock_that_asked_twice_for_one_time(ledger: Ledger, state: EndState):
    state.clock_reports *= 2
    assert [wrong for wrong, _ in found(ledger, state)] == [Wrong.DOUBLED]


def test_two_clocks_of_one_wish(ledger: Ledger, state: EndState):
    state.clock_reports.append(ClockReportRow(8, 32, "2026-11-23 07:01:00+00"))
    assert [wrong for wrong, _ in found(ledger, state)] == [Wrong.DOUBLED]
    state.clock_reports.pop()
    state.clocks_left = [(32, 8)]
    assert [wrong for wrong, _ in found(ledger, state)] == [Wrong.CONTRADICTION]
