"""Where frames end, whatever the reads cut them into."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.data.websocket_frames import Frames

SIZES = st.sampled_from([0, 1, 125, 126, 127, 300, 65535, 65536, 70000])


def frame(size: int, *, masked: bool) -> bytes:
    mask = 0x80 if masked else 0
    if size < 126:
        head = bytes((0x82, mask | size))
    elif size < 65536:
        head = bytes((0x82, mask | 126)) + size.to_bytes(2)
    else:
        head = bytes((0x82, mask | 127)) + size.to_bytes(8)
    return head + (b"mask" if masked else b"") + b"\xff" * size


@given(
    st.lists(st.tuples(SIZES, st.booleans()), min_size=1, max_size=6), st.lists(st.integers(1, 200_000), max_size=30)
)
def test_it_stands_between_two_frames_exactly_at_their_ends(frames: list[tuple[int, bool]], cuts: list[int]):
    pieces = [frame(size, masked=masked) for size, masked in frames]
    whole = b"".join(pieces)
    ends = {sum(map(len, pieces[: n + 1])) for n in range(len(pieces))}
    at, following = 0, Frames()
    for cut in sorted({min(cut, len(whole)) for cut in (*cuts, len(whole))}):
        following.feed(whole[at:cut])
        at = cut
        assert following.between == (at in ends), at


def test_byte_by_byte():
    whole = frame(126, masked=True) + frame(0, masked=False) + frame(3, masked=True)
    following = Frames()
    ends = [n + 1 for n in range(len(whole)) if following.feed(whole[n : n + 1]) or following.between]
    assert ends == [134, 136, 145]
