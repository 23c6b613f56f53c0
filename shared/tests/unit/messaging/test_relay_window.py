"""At most one message of a subject is with the broker, whatever comes back and in what order."""

import random
from uuid import uuid4

import pytest

from shared.messaging.outbox import OutboxMessage
from shared.messaging.relay_store import Waiting
from shared.messaging.relay_window import Window


def row(row_id: int, subject: str, size: int = 2) -> Waiting:
    message = OutboxMessage(uuid4(), "events", "orders.placed.v1", subject, "application/json", b"x" * size, None)
    return Waiting(row_id, 3, message, 0, None)


def ids(rows: list[Waiting]) -> list[int]:
    return [found.id for found in rows]


def test_the_next_of_a_subject_goes_out_after_the_confirm_and_others_do_not_wait() -> None:
    window = Window()
    window.add([row(1, "a"), row(2, "a"), row(3, "b"), row(4, "a")])
    assert ids(window.take(10, 1000)) == [1, 3]
    window.confirm(3)
    assert not window.ready
    window.confirm(1)
    assert ids(window.take(10, 1000)) == [2]
    window.add([row(5, "a"), row(6, "b")])
    assert ids(window.take(10, 1000)) == [6]


def test_a_refusal_takes_along_what_waits_behind_it_even_what_comes_before_it_is_written_down() -> None:
    window = Window()
    window.add([row(1, "a"), row(2, "a"), row(3, "b")])
    window.take(10, 1000)
    window.refuse(1, "unroutable")
    window.add([row(4, "a")])
    assert not window.ready
    [(refused, reason, behind)] = window.take_refused()
    assert (refused.id, reason, behind) == (1, "unroutable", [2, 4])
    assert sorted(window.ids) == [1, 2, 3, 4]
    window.forget([1, 2, 4])
    assert window.ids == [3]


def test_what_is_confirmed_is_left_out_of_reads_until_it_is_deleted() -> None:
    window = Window()
    window.add([row(1, "a")])
    window.take(1, 1000)
    window.confirm(1)
    confirmed = window.take_confirmed()
    assert confirmed == window.ids == [1]
    assert window.holds(3)
    window.forget(confirmed)
    assert window.ids == []
    assert not window.holds(3)


def test_a_write_is_bounded_in_bytes_and_never_empty() -> None:
    window = Window()
    window.add([row(1, "a", 50), row(2, "b", 5), row(3, "c", 5), row(4, "d", 5)])
    assert ids(window.take(10, 10)) == [1]
    assert ids(window.take(10, 10)) == [2, 3]


@pytest.mark.parametrize("seed", range(5))
def test_every_row_goes_out_once_and_each_subject_in_order(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - dice, and no secret
    window, sent, flying = Window(), list[Waiting](), list[Waiting]()
    waiting = [row(number, f"orders/{dice.randrange(12)}") for number in range(300)]
    while waiting or flying or window.ready:
        page = [waiting.pop(0) for _ in range(min(len(waiting), dice.randrange(20)))]
        window.add(page)
        taken = window.take(dice.randrange(1, 8), 1000)
        sent += taken
        flying += taken
        assert len({found.message.subject for found in flying}) == len(flying)
        dice.shuffle(flying)
        for _ in range(dice.randrange(len(flying) + 1)):
            window.confirm(flying.pop().id)
        window.forget(window.take_confirmed())
    assert sorted(ids(sent)) == list(range(300))
    for subject in {found.message.subject for found in sent}:
        own = [found.id for found in sent if found.message.subject == subject]
        assert own == sorted(own)
    assert len(window) == 0
