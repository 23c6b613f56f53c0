"""What the console says of requests: rates, errors and quantiles between two readings of the metrics."""

import math

import pytest

from gateway.console.parts import limits, upstreams
from gateway.console.quantile import quantile
from gateway.console.reading import Reading
from gateway.console.traffic import traffic

Sample = tuple[str, dict[str, str], float]


def reading(at: float, *samples: Sample) -> Reading:
    return Reading.of([["family", "counter", "", "", [[*sample, None] for sample in samples]]], at)


def requests(route: str, status: int, count: float) -> Sample:
    return ("gateway_requests_total", {"route": route, "method": "GET", "status": str(status)}, count)


def bucket(route: str, bound: str, count: float) -> Sample:
    return ("gateway_request_seconds_bucket", {"route": route, "le": bound}, count)


def test_a_quantile_lies_in_its_bucket_as_prometheus_has_it():
    cumulated = {0.1: 50.0, 0.5: 90.0, 1.0: 100.0, math.inf: 100.0}
    assert quantile(0.5, cumulated) == pytest.approx(0.1)
    assert quantile(0.7, cumulated) == pytest.approx(0.1 + 0.4 * 20 / 40)
    assert quantile(0.99, cumulated) == pytest.approx(0.5 + 0.5 * 9 / 10)
    assert quantile(0.99, {0.1: 0.0, math.inf: 7.0}) == pytest.approx(0.1), "above the last bound: that bound"
    assert quantile(0.5, {0.1: 0.0, math.inf: 0.0}) is None
    assert quantile(0.5, {}) is None


def test_rates_are_of_the_time_between_and_by_what_the_answer_was():
    before = reading(10, requests("/a", 200, 100), requests("/a", 404, 4), requests("/b", 200, 7))
    now = reading(14, requests("/a", 200, 120), requests("/a", 404, 6), requests("/a", 502, 2), requests("/b", 200, 7))
    whole, *rows = traffic(now, before, (), ())
    assert [row["route"] for row in rows] == ["/a"], "a route without requests in this time has no row"
    assert (whole["rate"], whole["ok"], whole["client_errors"], whole["server_errors"]) == (6.0, 5.0, 0.5, 0.5)


def test_a_counter_that_was_begun_anew_counts_as_it_stands():
    whole = traffic(reading(12, requests("/a", 200, 6)), reading(10, requests("/a", 200, 1000)), (), ())[0]
    assert whole["rate"] == 3.0


def test_streams_are_in_no_quantile_and_the_consoles_own_requests_nowhere():
    counted = [requests("/a", 200, 10), requests("/live", 200, 10), requests("/console/traces", 200, 500)]
    times = [bucket("/a", "0.1", 10), bucket("/a", "+Inf", 10), bucket("/live", "0.1", 0), bucket("/live", "+Inf", 10)]
    whole, *rows = traffic(reading(1, *counted, *times), reading(0), {"/live"}, {"/console/traces"})
    assert whole["rate"] == 20.0
    assert whole["p99"] == pytest.approx(0.099)
    assert {row["route"]: row["p50"] for row in rows} == {"/a": pytest.approx(0.05), "/live": None}


def test_an_upstream_shows_the_worst_of_its_workers_and_what_its_targets_fail():
    def attempts(outcome: str, count: float) -> Sample:
        labels = {"upstream": "shop", "target": "10.0.0.1:80", "outcome": outcome}
        return ("gateway_target_attempts_total", labels, count)

    target = {"upstream": "shop", "target": "10.0.0.1:80"}
    # Summed over two workers: in one the breaker is open, in the other closed (workers/sums.py).
    states = [("gateway_upstream_breaker", {"upstream": "shop", "state": s}, 1.0) for s in ("closed", "open")]
    now = reading(
        5,
        ("gateway_upstream_connections", {"upstream": "shop"}, 3.0),
        ("gateway_target_usable", target, 0.0),
        ("gateway_target_weight", target, 0.5),
        *states,
        *(attempts(outcome, 10) for outcome in ("answered", "failed", "late")),
    )
    (shop,) = upstreams(now, reading(0), {"shop": "unhealthy"})
    assert (shop["state"], shop["breaker"], shop["limit"]) == ("unhealthy", "open", None)
    (shown,) = shop["targets"]
    assert (shown["usable"], shown["weight"], shown["failures"]) == (False, 0.5, 4.0)


def test_limits_that_are_hit_are_named_and_others_not():
    before = reading(0, ("gateway_limit_rejections_total", {"limit": "login"}, 4.0))
    now = reading(
        2,
        ("gateway_limit_rejections_total", {"limit": "login"}, 4.0),
        ("gateway_limit_rejections_total", {"limit": "default"}, 5.0),
        ("gateway_refusals_total", {"code": "rate_limited"}, 5.0),
        ("gateway_limiter_up", {}, 0.0),
    )
    told = limits(now, before)
    assert (told["counted"], told["rejections"]) == (False, {"default": 2.5})
    assert told["refusals"] == {"rate_limited": 2.5}
