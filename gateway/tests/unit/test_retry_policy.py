"""The table [routes.retries] as it is compiled, and what a file may say in it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli_explain import explain
from gateway.routes.load import RoutesError, load_routes
from gateway.routes.model.retries import Retries
from gateway.routes.retries import UNASKED, RetryPolicy

FILE = """
[upstreams.one]
url = "http://one:1"

[[routes]]
path = "/a"
methods = ["GET"]
upstream = "one"
limits = []
identity = "ignored"
[routes.retries]
on = {on}
attempts = {attempts}
"""


@given(made=st.integers(1, 4), share=st.floats(0, 1))
def test_a_pause_is_anything_up_to_a_bound_that_doubles_to_its_most(made: int, share: float):
    policy = RetryPolicy.of(Retries(backoff=0.025, max_backoff=0.08))
    pause = policy.pause(made, share)
    assert 0 <= pause <= (0.025, 0.05, 0.08, 0.08)[made - 1]
    assert pause == pytest.approx(share * (0.025, 0.05, 0.08, 0.08)[made - 1])


@pytest.mark.parametrize(
    ("value", "pause"),
    [
        (None, 0),
        (b"0", 0),
        (b"1", 1),
        (b"2", None),
        (b"9" * 5000, None),
        (b"-1", None),
        (b"", None),
        (b"Wed, 21 Oct 2026 07:28:00 GMT", None),
    ],
)
def test_retry_after_is_waited_for_when_it_is_a_small_number(value: bytes | None, pause: float | None):
    headers = [(b"x", b"1")] + ([(b"retry-after", value)] if value is not None else [])
    assert RetryPolicy.of(Retries()).asked_pause(headers) == pause


def test_no_table_asks_for_no_status_and_no_wait():
    assert RetryPolicy.of(None) is UNASKED
    assert not any((UNASKED.statuses, UNASKED.reset, UNASKED.late, UNASKED.connect))
    assert UNASKED.pause(1) == 0


def written(folder: Path, on: str, attempts: int) -> Path:
    file = folder / "routes.toml"
    file.write_text(FILE.format(on=on, attempts=attempts))
    return file


@pytest.mark.parametrize(
    ("on", "attempts", "line", "field"),
    [('["500"]', 2, 12, "on"), ("[]", 2, 12, "on"), ('["reset"]', 1, 13, "attempts"), ('["reset"]', 6, 13, "attempts")],
)
def test_what_is_wrong_is_named_by_line_and_field(tmp_path: Path, on: str, attempts: int, line: int, field: str):
    with pytest.raises(RoutesError) as raised:
        load_routes(written(tmp_path, on, attempts))
    assert raised.value.problems[0][0] == line
    assert raised.value.problems[0][1].startswith(f"routes[0].retries.{field}")


def test_explain_says_what_is_tried_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    model = load_routes(written(tmp_path, '["reset", "503"]', 3))
    assert explain(model, "GET", "/a", None) == 0
    assert "retries    on reset, 503: 3 attempts, backoff up to 0.25s" in capsys.readouterr().out
