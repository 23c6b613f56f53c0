"""What the admin view shows of compiled objects, and what it never shows."""

from dataclasses import dataclass

from gateway.admin.page import render
from gateway.admin.shown import BLANK, shown
from gateway.routes.model.values import Quota
from gateway.routes.rewriting import HeaderRules


@dataclass(frozen=True, slots=True)
class Compiled:
    name: bytes
    scopes: frozenset[str]
    quota: Quota
    headers: tuple[tuple[bytes, bytes], ...]
    make: object
    ends: float = float("inf")


def test_compiled_objects_become_plain_data():
    quota = Quota(quota=3, window=60)
    compiled = Compiled(b"/a", frozenset({"b", "a"}), quota, ((b"x-a", b"1"),), object())
    assert shown(compiled) == {
        "name": "/a",
        "scopes": ["a", "b"],
        "quota": {"quota": 3, "window": 60.0},
        "headers": [["x-a", "1"]],
        "make": "<object>",
        "ends": "inf",
    }


def test_no_secret_is_shown():
    found = shown(
        {
            "url": "rediss://user:hunter2@host:1/0",
            "others": ["http://u:hunter2@h"],
            "Authorization": b"Bearer hunter2",
            "headers": [(b"x-api-key", b"hunter2"), (b"Cookie", b"hunter2")],
            "client_secret": "hunter2",
            "token": "hunter2",
            "tokens_known": 3,
            "rules": HeaderRules(frozenset(), b"x-site: eu\r\nx-service-token: hunter2\r\n"),
        }
    )
    assert "x-site: eu" in str(found)
    assert "hunter2" not in str(found)
    assert found["url"] == f"rediss://{BLANK}@host:1/0"
    assert found["tokens_known"] == 3


def test_the_page_escapes_what_it_shows():
    page = render([{"worker": 0, "pid": 1, "answer": {"config": {"problems": ["<script>"]}, "routes": [{"a": "<b>"}]}}])
    assert "<script>" not in page
    assert "&lt;b&gt;" in page
    assert "does not answer" in render([{"worker": 0, "pid": 1, "answer": None}])
