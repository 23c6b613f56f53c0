"""Header sections that repeat, but for the ids of a request and its trace, skip the parser."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.data.known_heads import KnownHeads
from gateway.data.request_head import RequestHead

PLAIN = b"\r\nhost: a.example\r\nauthorization: Bearer x\r\n\r\n"


def parsed(section: bytes) -> RequestHead:
    """As the parser makes it."""
    lines = [line.split(b":", 1) for line in section.strip(b"\r\n").split(b"\r\n")]
    head = RequestHead([(name.lower(), value.strip()) for name, value in lines], http11=True, keep_alive=True)
    head.check()
    return head


def ask(heads: KnownHeads, section: bytes) -> RequestHead | None:
    """What is known of a section; one that is not is learnt."""
    found = heads.find(section)
    if isinstance(found, RequestHead):
        return found
    heads.learn(found, parsed(section))
    return None


def told(head: RequestHead) -> tuple[object, ...]:
    return sorted(head.headers), head.fields, head.request_id, head.host, head.keep_alive, head.body_expected


def test_the_same_bytes_are_the_same_head_and_share_what_was_made_of_it():
    heads = KnownHeads()
    assert ask(heads, PLAIN) is None
    assert ask(heads, PLAIN) is ask(heads, PLAIN)
    assert ask(heads, PLAIN.replace(b"Bearer x", b"Bearer y")) is None


@given(
    ids=st.lists(
        st.tuples(
            st.sampled_from([b"X-Request-ID", b"x-request-id", b"traceparent", b"TraceParent", b"x-other"]),
            st.sampled_from([b": ", b":", b":  "]),
            st.sampled_from([b"abc", b"00-" + b"1" * 32 + b"-" + b"2" * 16 + b"-01", b"a b", b"", b"-bad", b"z" * 200]),
        ),
        max_size=3,
    ),
    place=st.integers(0, 2),
)
def test_with_ids_of_its_own_it_is_what_the_parser_makes_of_it(ids: list[tuple[bytes, bytes, bytes]], place: int):
    heads = KnownHeads()
    ask(heads, PLAIN)
    ask(heads, b"\r\nhost: a.example\r\nx-request-id: a b\r\n\r\n")
    lines = PLAIN.strip(b"\r\n").split(b"\r\n")
    lines[place:place] = [name + colon + value for name, colon, value in ids]
    section = b"\r\n" + b"\r\n".join(lines) + b"\r\n\r\n"
    for _ in range(3):
        found = ask(heads, section)
        assert found is None or told(found) == told(parsed(section))
    assert ask(heads, PLAIN) is not None


def test_ids_do_not_stay_in_what_is_learnt():
    heads = KnownHeads()
    with_id = PLAIN.replace(b"\r\n\r\n", b"\r\nX-Request-ID: mine\r\n\r\n")
    assert ask(heads, with_id) is None
    bare, other = ask(heads, PLAIN), ask(heads, with_id.replace(b"mine", b"theirs"))
    assert bare is not None
    assert other is not None
    assert (bare.request_id, b"x-request-id" in bare.fields) == (None, False)
    assert (other.request_id, other.fields[b"x-request-id"]) == (b"theirs", b"theirs")


@pytest.mark.parametrize(
    "ids",
    [
        b"X-Request-ID: one\r\nx-request-id: two",
        b"x-request-id: one\r\n two",
        b"x-request-id : one",
        b"x-request-id: one\ntraceparent: two",
    ],
    ids=["twice", "folded", "space before the colon", "bare line feed"],
)
def test_what_is_not_plainly_one_line_is_left_to_the_parser(ids: bytes):
    heads = KnownHeads()
    ask(heads, PLAIN)
    found = heads.find(PLAIN.replace(b"\r\n\r\n", b"\r\n" + ids + b"\r\n\r\n"))
    assert isinstance(found, tuple)


def test_who_is_asked_for_again_stays_when_thousands_come_once():
    heads = KnownHeads()
    ask(heads, PLAIN)
    for number in range(5000):
        ask(heads, PLAIN.replace(b"Bearer x", b"Bearer %d" % number))
        assert number % 500 or ask(heads, PLAIN) is not None
    assert len(heads._young) + len(heads._old) <= 2 * 1024
    assert ask(heads, PLAIN.replace(b"Bearer x", b"Bearer 1")) is None
