"""A path that passes has one reading only, whoever decodes it (TRAPS, forwarding 3)."""

import posixpath
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.data.canonical_path import check_canonical, split_target
from gateway.problem import Refusal

PIECES = st.sampled_from(
    [b"/", b"a", b".", b"..", b"%2e", b"%2F", b"%5c", b"\\", b";", b"%", b"%c3%a9", b"%20", b"%25", b"~", b"@", b"\xe9"]
)


@given(st.lists(PIECES, max_size=12).map(b"".join))
@example(b"/a/%2e%2e/b")
@example(b"/a/.../b")
@example(b"/")
def test_what_passes_reads_the_same_decoded_and_normalized(path: bytes):
    try:
        check_canonical(path)
    except Refusal:
        return
    decoded = unquote_to_bytes(path)
    assert path.startswith(b"/")
    assert decoded.count(b"/") == path.count(b"/")
    assert posixpath.normpath(decoded) == decoded
    assert unquote_to_bytes(decoded) == decoded
    assert not set(decoded) & set(b"\\;\x00\r\n")


@pytest.mark.parametrize("path", [b"/", b"/a", b"/a/b.c", b"/.well-known/jwks.json", b"/a/caf%C3%A9", b"/a/x%20y"])
def test_ordinary_paths_pass(path: bytes):
    check_canonical(path)


@pytest.mark.parametrize(
    ("target", "parts"),
    [
        (b"/a?b=c?d", (b"/a", b"b=c?d", None)),
        (b"/a?", (b"/a", b"", None)),
        (b"http://h:1/a?b", (b"/a", b"b", b"h:1")),
        (b"HTTPS://h", (b"/", b"", b"h")),
    ],
)
def test_targets_are_split(target: bytes, parts: tuple[bytes, bytes, bytes | None]):
    assert split_target(target) == parts


@pytest.mark.parametrize("target", [b"*", b"a:1", b"ftp://a/b", b"/a#b", b"", b"http://h?x"])
def test_other_targets_are_400(target: bytes):
    with pytest.raises(Refusal):
        split_target(target)
