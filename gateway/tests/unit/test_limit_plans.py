"""What a limit of the routes file is: figures, whom it counts, what its headers say (TRAPS, rate limiting 5 and 7)."""

import re
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from gateway_testing.oracles import all_figures
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.identity.principal import Principal
from gateway.limits.counted import counted
from gateway.limits.figures import CODES, Figures
from gateway.limits.plan import Plan, Rule, plan
from gateway.limits.verdict import Verdict
from gateway.routes.model import LimitPolicy


def policy(**fields: Any) -> LimitPolicy:
    return LimitPolicy.model_validate({"anonymous": "10/1m", **fields})


def planned(cost: int = 1, scale: float = 1.0, tier: str | None = None, **limits: LimitPolicy) -> Plan:
    return plan(list(limits.items()), tier, cost, scale, 0.25)


def fields(verdict: Verdict) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in verdict.headers.decode().split("\r\n") if line)


def request(principal: Principal | None = None, address: str = "192.0.2.7", **headers: bytes) -> Any:
    named = {name.replace("_", "-").encode(): value for name, value in headers.items()}
    route = SimpleNamespace(name="/api/things")
    return SimpleNamespace(
        principal=principal,
        address=address,
        head=SimpleNamespace(fields=named),
        match=SimpleNamespace(route=route),
    )


USER = Principal("ann", "user", "pro", frozenset(), 2e9)
PROGRAM = Principal("weather", "service", "service", frozenset(), 2e9)
BY_KEY = Principal("ann", "user", "pro", frozenset(), 2e9, forward_as=b"Bearer x")


@pytest.mark.parametrize(
    ("by", "asked", "who"),
    [
        ("client", request(USER), "user:ann"),
        ("client", request(), "address:192.0.2.7"),
        ("user", request(BY_KEY, x_api_key=b"secret"), "user:ann"),
        ("address", request(USER), "address:192.0.2.7"),
        ("address", request(address="2001:db8:1:2:3:4:5:6"), "address:2001:db8:1:2::/64"),
        ("address", request(address="::ffff:192.0.2.7"), "address:192.0.2.7"),
        ("tier", request(USER), "tier:pro"),
        ("tier", request(), "tier:anonymous"),
        ("tier", request(replace(USER, role="admin")), "tier:admin"),
        ("tier", request(PROGRAM), "tier:service"),
        ("tier", request(replace(PROGRAM, tier="free")), "tier:free"),
        ("route", request(), "route:/api/things"),
        (["user", "route"], request(USER), "route:/api/things|user:ann"),
        (["route", "address"], request(USER), "route:/api/things|address:192.0.2.7"),
        # A key that nobody verified is not believed.
        ("key", request(USER, x_api_key=b"secret"), "user:ann"),
        ("key", request(x_api_key=b"secret"), "address:192.0.2.7"),
    ],
)
def test_trap_7_whom_a_limit_counts(by: str, asked: Any, who: str):
    assert counted(policy(by=by).by)(asked) == who


def test_keys_are_told_apart_and_never_written_down():
    first, second = (counted(("key",))(request(BY_KEY, x_api_key=key)) for key in (b"secret-1", b"secret-2"))
    assert first != second
    assert re.fullmatch(r"key:[0-9a-f]{32}", first)


def test_a_tier_has_its_figures_and_an_unknown_one_those_of_free():
    limit = policy(tiers={"free": "20/1m", "pro": "30/1m"})
    assert [planned(tier=t, p=limit).first.quota for t in (None, "free", "pro", "gold")] == [10, 20, 30, 20]
    assert planned(tier="gold", p=policy(tiers={"pro": "30/1m"})).first.quota == 10
    assert planned(tier="pro", p=policy(by="address")).first.quota == 10


def test_the_scale_multiplies_quota_and_burst_and_leaves_one():
    assert planned(scale=100, p=policy()).first.quota == 1000
    assert planned(scale=100, p=policy(algorithm="token_bucket", burst=3)).first.quota == 300
    small = planned(scale=0.001, cost=5, p=policy())
    assert (small.first.quota, small.first.cost) == (1, 1)


@pytest.mark.parametrize(
    ("limit", "q", "w"),
    [
        (policy(), 10, 60),
        (policy(anonymous="7/1m", algorithm="token_bucket"), 7, 60),
        (policy(anonymous="100/1m", algorithm="token_bucket", burst=20), 20, 12),
        (policy(anonymous="100/1s", algorithm="leaky_bucket", burst=5), 5, 1),
        (policy(anonymous="5/1s", algorithm="leaky_queue", queue=9), 10, 2),
    ],
)
def test_the_policy_told_is_what_can_be_asked_at_once_and_when_it_is_back(limit: LimitPolicy, q: int, w: int):
    rule = planned(p=limit).first
    assert (rule.quota, rule.seconds) == (q, w)


def test_the_tightest_is_told():
    wide, tight = policy(anonymous="100/1h"), policy(anonymous="10/1m")
    before = time.time()
    verdict = planned(wide=wide, tight=tight).judge([50, 9_000_000, 4, 2_000_001], 0, "allowed")
    told = fields(verdict)
    assert (told["ratelimit-policy"], told["ratelimit"]) == ('"tight";q=10;w=60', '"tight";r=4;t=3')
    assert (told["x-ratelimit-limit"], told["x-ratelimit-remaining"]) == ("10", "4")
    assert before + 3 <= int(told["x-ratelimit-reset"]) <= time.time() + 4
    assert verdict.refusal is None


def test_of_those_that_refuse_the_longest_wait_is_told():
    limits = {name: policy(anonymous=quota) for name, quota in (("a", "10/1m"), ("b", "5/1h"), ("c", "100/1h"))}
    verdict = planned(**limits).judge([-1, 5_000_000, -1, 7_000_001, -31, 99_000_000], 0, "allowed")
    assert (verdict.outcome, verdict.limit) == ("rejected", "b")
    assert fields(verdict)["ratelimit"] == '"b";r=0;t=8'
    assert verdict.refusal is not None
    assert dict(verdict.refusal.headers)[b"retry-after"] == b"8"


def test_a_request_that_costs_more_than_is_left_is_told_what_is_left():
    verdict = planned(cost=5, p=policy()).judge([-4, 30_000_000], 0, "allowed")
    assert fields(verdict)["ratelimit"] == '"p";r=3;t=30'
    assert verdict.refusal is not None


def test_a_queue_tells_how_long_to_wait():
    queue = policy(algorithm="leaky_queue", anonymous="10/1s", queue=4)
    # The clock of the key runs 300 ms ahead with this request, which takes 100 of them.
    assert planned(q=queue).judge([2, 300_000], 0, "allowed").delay == pytest.approx(0.2)
    both = planned(q=queue, slower=policy(algorithm="leaky_queue", anonymous="2/1s", queue=4), other=policy())
    assert both.judge([2, 300_000, 3, 1_000_000, 5, 0], 0, "allowed").delay == pytest.approx(0.5)
    assert planned(q=queue).judge([-1, 80_000], 0, "allowed").delay == 0


@pytest.mark.parametrize("algorithm", CODES)
def test_retry_after_is_enough_and_no_longer_than_the_window(algorithm: str):
    @given(st.data())
    def check(data: st.DataObject) -> None:
        figures: Figures = data.draw(all_figures(algorithm))
        fitting = policy(algorithm=algorithm, **({"queue": 1} if algorithm == "leaky_queue" else {}))
        wait = data.draw(st.integers(1, figures.figure if figures.code == 1 else figures.span))
        verdict = Plan([Rule("p", fitting, figures, 1.0, 1.0)]).judge([-1, wait], 0, "allowed")
        assert verdict.refusal is not None
        seconds = int(dict(verdict.refusal.headers)[b"retry-after"])
        assert 1 <= seconds <= figures.seconds
        # Rounding a bucket's microseconds up may put its fill that much past the window.
        assert seconds * 1_000_000 + figures.burst >= wait
        assert fields(verdict)["ratelimit"].endswith(f"t={seconds}")

    check()


def test_under_overload_a_limit_shrinks_by_tier():
    limit = policy(
        anonymous="100/1m", tiers={"free": "200/1m", "pro": "300/1m"}, overloaded={"anonymous": 0.2, "free": 0.5}
    )
    whole = {tier: planned(tier=tier, p=limit) for tier in (None, "free", "pro")}
    assert [whole[tier].adaptive for tier in whole] == [True, True, False]
    assert [whole[None].at(level).first.quota for level in (0.0, 0.5, 1.0, 7.0)] == [100, 60, 20, 20]
    assert [whole["free"].at(level).first.quota for level in (0.0, 0.5, 1.0)] == [200, 150, 100]
    assert whole[None].at(0.5) is whole[None].at(0.5)
    spaced = planned(p=policy(algorithm="token_bucket", burst=5, overloaded={"anonymous": 0.5})).at(1.0).first.figures
    assert (spaced.quota, spaced.burst) == (5, 2)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"algorithm": "bucket"}, "sliding_window"),
        ({"burst": 5}, "burst is of token_bucket"),
        ({"algorithm": "leaky_queue"}, "needs queue"),
        ({"queue": 5}, "needs queue"),
        ({"algorithm": "leaky_queue", "queue": 2, "anonymous": "1/1m"}, "would wait 120s"),
        ({"by": []}, "at least 1"),
        ({"by": "account"}, "client"),
        ({"by": ["address", "route"], "tiers": {"free": "1/1m"}}, "tiers need"),
        ({"overloaded": {"gold": 0.5}}, "no tier of this limit: gold"),
        ({"overloaded": {"anonymous": 0}}, "greater than 0"),
    ],
)
def test_what_a_limit_cannot_be(wrong: dict[str, Any], message: str):
    with pytest.raises(ValidationError, match=re.escape(message)):
        policy(**wrong)


def test_keys_of_another_algorithm_or_window_are_others():
    names = {
        planned(p=policy(algorithm=algorithm, anonymous=quota)).keys(cast("Any", request(USER)))[0]
        for algorithm in ("sliding_window", "token_bucket")
        for quota in ("10/1m", "10/1h")
    }
    assert len(names) == 4
