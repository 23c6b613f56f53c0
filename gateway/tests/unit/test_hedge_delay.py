"""When a slow request is asked a second time, and what the routes file may say of it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.routes.hedging import HedgeDelay, explain_hedging
from gateway.routes.load import RoutesError, load_routes
from gateway.routes.model.hedging import Hedging


def test_a_fixed_time_stays():
    delay = HedgeDelay(Hedging(after=0.05))
    for _ in range(100):
        delay.observe(9.0)
    assert delay.seconds == 0.05


def test_nothing_is_hedged_until_enough_is_known():
    delay = HedgeDelay(Hedging())
    for _ in range(31):
        delay.observe(0.01)
    assert delay.seconds is None
    delay.observe(0.01)
    assert delay.seconds == 0.01


@given(st.lists(st.floats(0.001, 10), min_size=32, max_size=600))
def test_it_is_the_p95_of_the_last_answers(seconds: list[float]):
    delay = HedgeDelay(Hedging())
    for one in seconds:
        delay.observe(one)
    known = seconds[: len(seconds) // 32 * 32][-256:]
    assert delay.seconds is not None
    slower = sum(one > delay.seconds for one in known)
    assert slower <= len(known) * 0.05
    assert sum(one >= delay.seconds for one in known) >= len(known) * 0.05


@pytest.mark.parametrize(
    "line", ['hedging = { after = "0ms" }', "hedging = { before = 1 }", "hedging = {}\nstream = true"]
)
def test_what_is_wrong_is_refused(tmp_path: Path, line: str):
    file = tmp_path / "routes.toml"
    top = '[upstreams.one]\nurl = "http://one:1"\n[[routes]]\npath = "/a"\nmethods = ["GET"]\nupstream = "one"\n'
    file.write_text(f'{top}limits = []\nidentity = "ignored"\n{line}\n')
    with pytest.raises(RoutesError) as raised:
        load_routes(file)
    assert raised.value.problems[0][0] in {3, 9}
    assert "hedging" in str(raised.value)


def test_it_is_explained():
    assert explain_hedging(None) == []
    assert explain_hedging(HedgeDelay(Hedging(after=0.05))) == ["hedging    after 0.05s"]
    assert explain_hedging(HedgeDelay(Hedging())) == ["hedging    after the p95 of the last answers"]
