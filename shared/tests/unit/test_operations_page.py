"""The page for people on call names each metric of messaging and jobs, and none that is not there."""

import re
from pathlib import Path

from prometheus_client import Counter, Gauge, Histogram

from shared import loop_lag
from shared.clean_ups import metrics as clean_ups
from shared.jobs import metrics as jobs
from shared.messaging import metrics as messaging
from shared.schedules import metrics as schedules

PAGE = Path(__file__).parents[3] / "docs" / "messaging-operations.md"
_METRIC = re.compile(r"`((?:outbox|bus|consumer|jobs|schedules|clean_up|event_loop)_[a-z_]+)[`{]")


def names_of(module: object) -> set[str]:
    metrics = [value for value in vars(module).values() if isinstance(value, Counter | Gauge | Histogram)]
    described = [family for metric in metrics for family in metric.describe()]
    return {family.name + ("_total" if family.type == "counter" else "") for family in described}


def test_the_page_names_each_metric_and_no_other():
    told = set(_METRIC.findall(PAGE.read_text()))
    assert told - names_of(loop_lag) == set().union(*map(names_of, (messaging, jobs, schedules, clean_ups)))
    assert told & names_of(loop_lag)
