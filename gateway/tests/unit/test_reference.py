"""``gateway reference`` tells of every field, and each field says what it is for."""

from pathlib import Path

import pytest

from gateway.cli import main
from gateway.routes.reference import reference, undescribed


def test_every_field_has_a_description():
    assert undescribed() == []


@pytest.mark.parametrize(
    "row",
    [
        "## At the top of the file",
        "### `[[routes]]`",
        "`[routes.timeouts]`",
        "`[upstreams.NAME]`",
        '| `first_byte` | duration | `"15s"` | From the end',
        '| `redis_down` | `"open"`, `"closed"`, `"local"` | `"local"` |',
        "| `max_body` | size | `1000000` |",
        "| `unknown` | quota | `20/60s` |",
        "| `path` | text | required |",
    ],
)
def test_the_reference_has_the_kind_and_the_default_of_a_field(row: str):
    assert row in reference()


def test_the_command_prints_it_and_tells_a_stale_copy(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["reference"]) == 0
    copy = tmp_path / "routes.md"
    copy.write_text(capsys.readouterr().out)
    assert main(["reference", "--check", str(copy)]) == 0
    copy.write_text(copy.read_text() + "\nmore\n")
    assert main(["reference", "--check", str(copy)]) == 1
    assert "is not what" in capsys.readouterr().err
