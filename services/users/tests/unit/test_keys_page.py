"""The page for people on call names each metric of the signing keys, and none that is not there."""

import re
from pathlib import Path

from prometheus_client import Gauge

from users import key_metrics

PAGE = Path(__file__).parents[4] / "docs" / "signing-keys.md"


def test_the_page_names_each_metric_and_no_other():
    metrics = [value for value in vars(key_metrics).values() if isinstance(value, Gauge)]
    names = {family.name for metric in metrics for family in metric.describe()}
    assert set(re.findall(r"`(users_signing_[a-z_]+)`", PAGE.read_text())) == names
