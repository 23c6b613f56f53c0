"""docs/identity-hostile-review.md holds: each test that it names is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "identity-hostile-review.md").read_text()


def test_each_test_it_names_is_there():
    found = re.findall(r"\]\(\.\./([^)]+\.py)\)((?:,? ?`test_\w+`)+)", PAGE)
    named = [(path, name) for path, names in found for name in re.findall(r"`(test_\w+)`", names)]
    assert len(named) == len(re.findall(r"`test_\w+`", PAGE)) > 25
    missing = [name for path, name in named if f"def {name}(" not in (ROOT / path).read_text()]
    assert missing == []
