"""The alerts: Prometheus takes them, each fires when it should, and each has its page."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

HERE = Path(__file__).parents[2]
REPOSITORY = HERE.parents[1]
RULES = sorted((HERE / "rules").glob("*.yml"))
TRIALS = sorted((HERE / "rules" / "tests").glob("*.yml"))
ALERTS: list[dict[str, Any]] = [
    rule
    for path in RULES
    for group in yaml.safe_load(path.read_text())["groups"]
    for rule in group["rules"]
    if "alert" in rule
]

needs_promtool = pytest.mark.skipif(not shutil.which("promtool"), reason="promtool (Debian: prometheus) is not here")


def promtool(*arguments: object) -> None:
    done = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_prometheus_takes_the_configuration():
    promtool("check", "config", HERE / "prometheus.yml")


@needs_promtool
@pytest.mark.parametrize("path", TRIALS, ids=lambda path: path.stem)
def test_alerts_fire_when_they_should(path: Path):
    promtool("test", "rules", path)


def test_each_alert_is_tried_firing_and_quiet():
    fires, quiet = set[str](), set[str]()
    for path in TRIALS:
        for course in yaml.safe_load(path.read_text())["tests"]:
            for check in course["alert_rule_test"]:
                (fires if check["exp_alerts"] else quiet).add(check["alertname"])
    names = {alert["alert"] for alert in ALERTS}
    assert fires == names
    assert quiet == names


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_each_alert_says_how_urgent_it_is_and_where_its_page_is(alert: dict[str, Any]):
    assert alert["labels"]["severity"] in {"page", "ticket"}
    page = REPOSITORY / alert["annotations"]["runbook_url"]
    assert page == REPOSITORY / "docs" / "runbooks" / f"{alert['alert']}.md"
    text = page.read_text()
    assert re.findall(r"^#+ .*$", text, re.MULTILINE) == [f"# {alert['alert']}", "## Look", "## Do"]


def test_no_page_is_left_of_an_alert_that_went():
    pages = {path.stem for path in (REPOSITORY / "docs" / "runbooks").glob("*.md")}
    assert pages == {alert["alert"] for alert in ALERTS}
