"""What everybody may fetch is compressed once."""

import brotli
import pytest

from gateway.control import representation
from gateway.control.representation import Representation
from gateway.data.compression import Encoder

BODY = b"body { color: red }\n" * 1000


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    codings: list[bytes] = []
    original = representation.encoder

    def counted(coding: bytes) -> Encoder:
        codings.append(coding)
        return original(coding)

    monkeypatch.setattr(representation, "encoder", counted)
    return codings


def test_each_coding_is_made_once(made: list[bytes]):
    kept = Representation(BODY, "text/css", {"cache-control": "public"})
    for _ in range(5):
        for coding in ("br", "gzip", "zstd"):
            answer = kept.response({"accept-encoding": coding})
            assert answer.headers["content-encoding"] == coding
            assert answer.headers["vary"] == "Accept-Encoding"
            assert int(answer.headers["content-length"]) == len(answer.body) < len(BODY)
    assert made == [b"br", b"gzip", b"zstd"]
    assert brotli.decompress(bytes(kept.response({"accept-encoding": "br"}).body)) == BODY


def test_a_known_tag_is_304_in_any_coding():
    kept = Representation(BODY, "text/css", {"cache-control": "public"})
    plain = kept.response({})
    assert (plain.status_code, plain.body) == (200, BODY)
    coded = kept.response({"accept-encoding": "gzip"})
    assert coded.headers["etag"] == plain.headers["etag"][:-1] + '-gzip"'
    for sent in (coded.headers["etag"], "W/" + plain.headers["etag"], '"x", ' + plain.headers["etag"], "*"):
        known = kept.response({"accept-encoding": "gzip", "if-none-match": sent})
        assert (known.status_code, known.body) == (304, b"")
        assert known.headers["etag"] == coded.headers["etag"]
        assert known.headers["cache-control"] == "public"
    assert kept.response({"if-none-match": '"other"'}).status_code == 200
    assert Representation(BODY + b" ", "text/css", {}).response({}).headers["etag"] != plain.headers["etag"]


def test_what_is_small_stays_as_it_is(made: list[bytes]):
    answer = Representation(b"a", "text/css", {}).response({"accept-encoding": "gzip"})
    assert answer.body == b"a"
    assert "content-encoding" not in answer.headers
    assert made == []
