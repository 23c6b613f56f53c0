"""The harness's own arithmetic; nothing here is timed."""

import gzip
import json

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from benchmarks.gateway.figures import UnreadableReportError, paired_ratio, percentile, read_report
from benchmarks.gateway.ground import UnfilledError, filled
from benchmarks.gateway.markdown import MarkerError, fill, table
from benchmarks.gateway.results import ratios
from benchmarks.gateway.rounds import Rounds
from benchmarks.gateway.spans import server_spans
from benchmarks.gateway.wrk import Run

_REPORT = (
    'wrk-report {"requests": 100000, "duration": 2500000, "p50": 1250.0, "p99": 8000.5, '
    '"errors": {"connect": 1, "read": 2, "write": 0, "status": 3, "timeout": 4}}'
)


def test_a_report_of_wrk_is_read_in_seconds_and_milliseconds():
    load = read_report(f"Running 2s test @ http://127.0.0.1:1\n  64 connections\n{_REPORT}\n")
    assert load.per_second == 40_000
    assert (load.seconds, load.p50_ms, load.p99_ms, load.errors) == (2.5, 1.25, 8.0005, 10)


@pytest.mark.parametrize("output", ["", "unable to connect", f"{_REPORT}\n{_REPORT}"])
def test_a_run_without_one_report_is_no_run(output: str):
    with pytest.raises(UnreadableReportError):
        read_report(output)


def test_a_ratio_is_taken_within_each_round():
    # The machine was half as fast in the second round: of the pairs each is 2, of the medians it would be too low.
    middle, rounds = paired_ratio([40.0, 20.0, 42.0], [20.0, 10.0, 20.0])
    assert rounds == [2.0, 2.0, 2.1]
    assert middle == 2.0


def test_a_ratio_of_other_rounds_is_refused():
    with pytest.raises(ValueError, match="same rounds"):
        paired_ratio([1.0, 2.0], [1.0])


@pytest.mark.parametrize(("part", "expected"), [(0.5, 50.0), (0.99, 99.0), (0.999, 100.0), (1.0, 100.0), (0.001, 1.0)])
def test_a_percentile_is_the_nearest_rank(part: float, expected: float):
    assert percentile([float(n) for n in range(100, 0, -1)], part) == expected


def _rounds(**per_second: list[float]) -> Rounds:
    done = Rounds()
    for name, values in per_second.items():
        loads = [read_report(_REPORT.replace("100000", str(int(value * 2.5)))) for value in values]
        done.versions[name] = "1"
        done.runs[name] = {"connections_64": [Run(load, 20.0, 0.5, 0.99, 0.9, load.requests) for load in loads]}
    return done


def test_ratios_are_ours_over_theirs_and_leave_out_who_was_left_out():
    found = ratios(_rounds(bare=[40.0, 36.0, 44.0], nginx=[50.0, 40.0, 44.0], policy=[30.0, 30.0, 30.0]))
    assert found == {"bare_vs_nginx": {"ratio": 0.9, "target": 0.8, "rounds": [0.8, 0.9, 1.0]}}


def test_results_hold_the_median_of_each_figure():
    found = _rounds(bare=[40.0, 36.0, 44.0]).as_dict()["bare"]
    assert found["connections_64"]["requests_per_second"] == 40.0
    assert found["connections_64"]["p99_ms"] == 8.0005
    assert len(found["connections_64"]["rounds"]) == 3


def _spans() -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    for kind in (2, 3, 2, 1):
        scope.spans.add(kind=kind)
    return request


def test_spans_of_the_server_kind_are_counted_in_every_encoding():
    binary = _spans().SerializeToString()
    text = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [{"kind": 2}, {"kind": 3}, {"kind": 2}]}]}]})
    assert server_spans(binary) == 2
    assert server_spans(gzip.compress(binary)) == 2
    assert server_spans(text.encode()) == 2


def test_a_table_goes_between_its_markers_and_nowhere_else():
    document = "# a\n<!-- one -->\nold\n<!-- /one -->\nb\n"
    rendered = table(["name", "figure"], [("x", 1)])
    assert fill(document, "one", rendered) == (
        "# a\n<!-- one -->\n| name | figure |\n| --- | ---: |\n| x | 1 |\n<!-- /one -->\nb\n"
    )
    with pytest.raises(MarkerError):
        fill(document, "two", rendered)


def test_a_configuration_with_a_value_that_nobody_gave_is_refused():
    with pytest.raises(UnfilledError, match="issuer"):
        filled("haproxy.policy", algorithm="RS256", audience="a", keys="k", quota=1)
