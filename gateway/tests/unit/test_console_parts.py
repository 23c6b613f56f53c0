"""The console's small parts: settings, pages of metrics, waterfalls, the files that browsers get."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.console import assets_served, shell
from gateway.console.exposition import shown_samples
from gateway.console.waterfall import summary, waterfall
from gateway.settings import Settings

ASSETS = Path(assets_served.__file__).parent / "assets"
PAGE = """
# HELP jobs_waiting Jobs that could start now.
# TYPE jobs_waiting gauge
jobs_waiting{type="a \\"b\\""} 3.0
outbox_rows 7.0
outbox_batch_bucket{le="+Inf"} 9.0
jobs_waiting_created{type="a"} 1.7e9
consumer_alive{queue="q"} NaN
http_requests_total{path="/"} 5.0
"""


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch):
    for name in ("CONSOLE_METRICS", "CONSOLE_TRACES_API", "CONSOLE_SECONDS", "CONSOLE_WATCHERS"):
        monkeypatch.delenv(name, raising=False)


def test_of_a_page_the_gauges_and_counters_of_queues_and_jobs_are_shown():
    assert shown_samples(PAGE) == [
        {"name": "jobs_waiting", "labels": {"type": 'a "b"'}, "value": 3.0},
        {"name": "outbox_rows", "labels": {}, "value": 7.0},
    ]
    with pytest.raises(ValueError, match="could not convert"):
        shown_samples('jobs_waiting{type="a} three\n')


def test_a_page_with_too_much_is_cut():
    assert len(shown_samples("".join(f'jobs_waiting{{type="{n}"}} 1\n' for n in range(5000)))) == 400


def test_pages_are_names_with_addresses(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CONSOLE_METRICS", "a=http://h:1/metrics, b=https://h/m?x=1")
    assert Settings().console_metrics == (("a", "http://h:1/metrics"), ("b", "https://h/m?x=1"))


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("CONSOLE_METRICS", "http://h/metrics", "no http or https URL|NAME=URL"),
        ("CONSOLE_METRICS", "a=ftp://h/metrics", "no http or https URL"),
        ("CONSOLE_METRICS", "a=http://h/1,a=http://h/2", "two pages have one name"),
        ("CONSOLE_METRICS", ",".join(f"a{n}=http://h/{n}" for n in range(65)), "at most 64"),
        ("CONSOLE_TRACES_API", "jaeger:16686", "no http or https URL"),
        ("CONSOLE_SECONDS", "0", "greater than or equal to 0.2"),
        ("CONSOLE_WATCHERS", "0", "greater than or equal to 1"),
    ],
)
def test_a_wrong_setting_says_what_is_wrong(name: str, value: str, what: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match=what):
        Settings()


def span(number: str, parent: str | None, start: int, **more: Any) -> dict[str, Any]:
    references = [{"refType": "CHILD_OF", "traceID": "t", "spanID": parent}] if parent else []
    return {
        "spanID": number,
        "references": references,
        "startTime": start,
        "duration": 10_000,
        "operationName": f"do {number}",
        "processID": "p1",
        "tags": [],
        **more,
    }


def trace(*spans: dict[str, Any]) -> dict[str, Any]:
    return {"traceID": "t", "spans": list(spans), "processes": {"p1": {"serviceName": "shop"}}}


def test_a_waterfall_has_parents_before_children_and_times_from_the_beginning():
    failed = {"tags": [{"key": "error", "value": True}, {"key": "long", "value": "x" * 9999}]}
    found = waterfall(
        trace(span("c", "b", 5_000_000, **failed), span("b", "a", 3_000_000), span("a", "gone", 1_000_000))
    )
    assert [(row["operation"], row["depth"], row["start"]) for row in found["rows"]] == [
        ("do a", 0, 0.0),
        ("do b", 1, 2.0),
        ("do c", 2, 4.0),
    ]
    assert [row["error"] for row in found["rows"]] == [False, False, True]
    assert len(found["rows"][2]["tags"][1][1]) == 500
    assert (found["operation"], found["seconds"], found["error"]) == ("do a", pytest.approx(4.01), True)


def test_spans_that_name_each_other_as_parents_do_not_hang_it():
    looped = trace(span("a", "b", 1), span("b", "a", 2), span("c", "c", 3))
    assert [row["operation"] for row in waterfall(looped)["rows"]] == ["do c"]
    assert summary(looped)["spans"] == 3


def test_the_vendored_files_are_those_of_the_package():
    lines = (ASSETS / "vendor" / "SHA256SUMS").read_text().splitlines()
    listed = {name: digest for digest, name in (line.split() for line in lines)}
    there = {path.name for path in (ASSETS / "vendor").iterdir()} - {"SHA256SUMS", "README.md"}
    assert listed.keys() == there
    for name, digest in listed.items():
        assert hashlib.sha256((ASSETS / "vendor" / name).read_bytes()).hexdigest() == digest, name


def test_only_scripts_and_styles_are_served_and_only_those_that_are_there():
    assert {"home.js", "console.js", "page.css", "vendor/uPlot.iife.min.js"} <= assets_served.SERVED
    for name in ("vendor/README.md", "vendor/LICENSE", "../shell.py", "/etc/passwd", "", "vendor"):
        assert assets_served.asset(name) is None, name


def test_no_script_of_ours_makes_html_of_text_or_keeps_a_token():
    for path in ASSETS.glob("*.js"):
        source = path.read_text()
        for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
            assert word not in source, path.name
        for word in ("localStorage", "sessionStorage", "document.cookie", "indexedDB"):
            assert word not in source, path.name


def test_each_module_that_is_imported_is_served():
    for path in ASSETS.glob("*.js"):
        for line in path.read_text().splitlines():
            if line.startswith("import ") and " from " in line:
                assert line.split('"')[1].removeprefix("./") in assets_served.SERVED, f"{path.name}: {line}"


def test_the_policy_names_no_other_place_and_allows_nothing_inline():
    assert "unsafe" not in shell.POLICY
    assert "http" not in shell.POLICY
    assert shell.POLICY.startswith("default-src 'none';")
