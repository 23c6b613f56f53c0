"""Range as RFC 9110 section 14 has it, where Starlette's own reading differs."""

import pytest

from reports.api.v1.byte_ranges import RangeNotSatisfiable, Span, satisfiable


@pytest.mark.parametrize(
    ("header", "sent"),
    [
        (None, None),
        ("bytes=0-3", [(0, 4)]),
        ("bytes=5-", [(5, 10)]),
        ("bytes=-4", [(6, 10)]),
        ("bytes=-400", [(0, 10)]),
        ("Bytes = 0-3 , 5-6", [(0, 4), (5, 7)]),
        ("bytes=0-3,,5-6", [(0, 4), (5, 7)]),
        ("bytes=0-3,99-", [(0, 4)]),  # some fit: those are sent
        ("bytes=8-99,0-2,2-4", [(0, 5), (8, 10)]),  # in order, and what touches is one
        ("lines=0-3", None),  # a unit that is not known is ignored
        ("bytes=3-1", None),  # an invalid set is ignored
        ("bytes=a-b", None),
        ("bytes=", None),
        ("bytes", None),
        ("bytes=--1", None),
        ("bytes=٣-٤", None),
        ("bytes=" + ",".join(["0-0"] * 9), None),  # more than it is worth
    ],
)
def test_which_bytes_are_sent(header: str | None, sent: list[tuple[int, int]] | None):
    assert satisfiable(header, 10) == (sent and [Span(*span) for span in sent])


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=11-12,13-"])
def test_none_of_them_there(header: str):
    with pytest.raises(RangeNotSatisfiable) as caught:
        satisfiable(header, 10)
    assert caught.value.headers["Content-Range"] == "bytes */10"


def test_an_empty_file_has_no_range():
    with pytest.raises(RangeNotSatisfiable):
        satisfiable("bytes=-5", 0)
