"""The command line: wrong use is one clear line and exit status 1."""

import socket
from pathlib import Path

import pytest

from local_stack.command_line import main
from local_stack.mode import chosen_mode


def test_a_bad_mode_is_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("MODE", "kubernetes")
    assert main(["up", "--state", str(tmp_path)]) == 1
    assert "MODE=kubernetes is unknown: it is `compose` or `local`" in capsys.readouterr().err


def test_local_mode_is_taken_where_no_docker_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert chosen_mode({}) == "local"


def test_up_names_the_taken_port_and_starts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("MODE", "local")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        monkeypatch.setenv("GATEWAY_PORT", str(port))
        assert main(["up", "--state", str(tmp_path)]) == 1
    message = capsys.readouterr().err
    assert f"port {port}" in message
    assert "GATEWAY_PORT" in message
    assert not (tmp_path / "postgres").exists()


def test_what_does_not_run_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["status", "--state", str(tmp_path)]) == 1
    assert "Nothing is running" in capsys.readouterr().out
    assert main(["down", "--state", str(tmp_path)]) == 0
    assert "Nothing was running" in capsys.readouterr().out
    assert main(["logs", "nosuch", "--state", str(tmp_path)]) == 1
    assert main(["servers", "env", "--state", str(tmp_path)]) == 1


@pytest.mark.parametrize("arguments", [[], ["gateway"], ["nosuch", "list"]])
def test_whose_jobs_must_be_said(arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["jobs", "--state", str(tmp_path), *arguments]) == 1
    assert "there are: users, orders" in capsys.readouterr().err


def test_jobs_of_a_system_that_does_not_run_are_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["jobs", "--state", str(tmp_path), "reports", "list", "--status", "failed"]) == 1
    assert "nothing is running" in capsys.readouterr().err


def test_clean_refuses_a_folder_that_is_not_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    precious = tmp_path / "home"
    precious.mkdir()
    (precious / "thesis.txt").write_text("years of work")
    assert main(["clean", "--state", str(precious)]) == 1
    assert (precious / "thesis.txt").exists()
    assert "not removed" in capsys.readouterr().err
