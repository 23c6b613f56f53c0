"""``gateway explain`` says of each limit how it counts, whom, and how it gives way."""

from pathlib import Path

import pytest

from gateway.cli import main

FILE = """\
[upstreams.main]
url = "http://127.0.0.1:1"

[limits.bucket]
algorithm = "token_bucket"
by = ["user", "route"]
anonymous = "60/1m"
burst = 20
tiers = { pro = "600/1m" }
overloaded = { anonymous = 0.25 }

[[routes]]
path = "/things"
methods = ["GET"]
upstream = "main"
identity = "optional"
limits = ["bucket"]
cost = 3
redis_down = "closed"
"""


def test_a_limit_is_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = tmp_path / "routes.toml"
    file.write_text(FILE)
    assert main(["explain", "GET", "/things", "--file", str(file)]) == 0
    told = capsys.readouterr().out
    assert "bucket (token_bucket, burst 20) by user and route: anonymous 60/60s, pro 600/60s" in told
    assert "anonymous shrinks to 25% under full overload" in told
    assert "costs 3 of each; Redis down: closed" in told
