"""docs/gateway-operations.md names every setting."""

from pathlib import Path

from gateway.settings import Settings

PAGE = (Path(__file__).parents[3] / "docs" / "gateway-operations.md").read_text()


def test_every_setting_stands_in_the_table():
    names = {str(field.validation_alias) for field in Settings.model_fields.values()}
    listed = {
        line.split("`")[1] for line in PAGE.splitlines() if line.startswith("| `") and line.split("`")[1].isupper()
    }
    assert names == listed
