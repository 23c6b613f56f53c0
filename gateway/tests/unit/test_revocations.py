"""How many ends of tokens are held, and which go first."""

import time

from gateway.identity.principal import Principal
from gateway.identity.revocations import Revocations


def of(subject: str, session: str = "", issued: float = 1.0, generation: int | None = None, key: str = "") -> Principal:
    return Principal(
        subject,
        "user",
        "free",
        frozenset(),
        time.time() + 900,
        issued=issued,
        session=session,
        generation=generation,
        key=key,
    )


def user(number: int, *, seconds: int) -> dict[bytes, bytes]:
    until = int(time.time()) + seconds
    return {b"user": b"%d" % number, b"not_before": b"10", b"until": b"%d" % until}


async def test_what_has_expired_makes_room_and_users_outlive_sessions():
    held = Revocations("redis://127.0.0.1:1", "ended", lambda: None, most=3)
    for number in (1, 2):
        held.take(user(number, seconds=-1))
    held.take(user(3, seconds=900))
    held.take(user(4, seconds=900))
    for number in (1, 2):
        held.take({b"session": b"s%d" % number, b"until": b"%d" % (time.time() + 100 * number)})
    held.fit()
    assert len(held) == 3
    assert [held.covers(of(str(number))) for number in (1, 2, 3, 4)] == [False, False, True, True]
    assert [held.covers(of("9", session)) for session in ("s1", "s2", "")] == [False, True, False]


async def test_the_later_of_two_ends_of_a_user_counts():
    held = Revocations("redis://127.0.0.1:1", "ended", lambda: None)
    held.take({b"user": b"1", b"not_before": b"20", b"until": b"99999999999"})
    held.take({b"user": b"1", b"not_before": b"10", b"until": b"1"})
    assert held.covers(of("1", issued=20))
    assert not held.covers(of("1", issued=21))


async def test_a_generation_decides_where_both_name_one_and_time_where_not():
    held = Revocations("redis://127.0.0.1:1", "ended", lambda: None)
    held.take({b"user": b"1", b"not_before": b"20", b"generation": b"2", b"until": b"99999999999"})
    assert [held.covers(of("1", issued=15, generation=of_one)) for of_one in (0, 1, 2, 3)] == [True, True, False, False]
    assert held.covers(of("1", issued=20))
    assert not held.covers(of("1", issued=21))
    # Deleted: of every generation.
    held.take({b"user": b"1", b"not_before": b"30", b"until": b"99999999999"})
    assert held.covers(of("1", issued=30, generation=7))


async def test_a_key_ends_with_its_until_and_not_by_the_number_of_others():
    held = Revocations("redis://127.0.0.1:1", "ended", lambda: None, most=1)
    held.take({b"key": b"leaked", b"until": b"%d" % (time.time() + 900)})
    held.take({b"key": b"long ago", b"until": b"1"})
    held.take(user(1, seconds=900))
    held.fit()
    assert held.covers(of("9", key="leaked"))
    assert not held.covers(of("9", key="long ago"))
    assert not held.covers(of("9", key=""))
