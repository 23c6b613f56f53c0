"""The journey: where it can't begin it says so."""

from pathlib import Path

import pytest

from local_stack import demo
from local_stack.ports import free_port


def test_the_demo_says_when_nothing_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("GATEHOUSE_STATE", str(tmp_path))
    monkeypatch.setenv("GATEWAY_URL", f"http://127.0.0.1:{free_port()}")
    assert demo.main() == 1
    assert "is it up?" in capsys.readouterr().err
