"""``gateway run``: what is said of a flag or a setting that is wrong, before anything is served."""

from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from gateway.cli import main
from gateway.settings import Settings


@pytest.fixture(autouse=True)
def restored(monkeypatch: pytest.MonkeyPatch):
    """Flags go into the environment, for workers: a test's are taken out again."""
    for name in ("GATEWAY_ROUTES", "HTTP_HOST", "HTTP_PORT", "WORKERS", "REDIS_URL"):
        monkeypatch.setenv(name, "x")
        monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--port", "99999"], "--port: Input should be less than or equal to 65535"),
        (["--port", "web"], "--port: Input should be a valid integer"),
        (["--workers", "0"], "--workers: Input should be greater than or equal to 1"),
        (["--routes", "nowhere.toml"], "--routes: there is no file nowhere.toml"),
    ],
)
def test_a_wrong_flag_is_named(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]):
    assert main(["run", *arguments]) == 1
    assert said in capsys.readouterr().err


def test_a_wrong_setting_is_named_as_the_setting(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setenv("HTTP_PORT", "99999")
    assert main(["run"]) == 1
    assert capsys.readouterr().err.startswith("HTTP_PORT: ")


def test_a_routes_file_that_is_wrong_is_told_by_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = tmp_path / "my.toml"
    file.write_text('[upstreams.app]\nurl = "http://127.0.0.1:3000"\ncolour = "red"\n')
    assert main(["run", "--routes", str(file)]) == 1
    assert f"{file}:3: upstreams.app.colour" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "found"),
    [("redis://cache:6379/2", "redis://cache:6379/2"), ("rediss://cache", "rediss://cache"), ("none", None)],
)
def test_redis_or_none(url: str, found: str | None):
    assert Settings(redis_url=SecretStr(url)).redis == found


@pytest.mark.parametrize(("url", "said"), [("", 'say "none"'), ("http://cache", "must begin with redis://")])
def test_a_redis_that_is_missing_is_not_taken_for_none(url: str, said: str):
    with pytest.raises(ValidationError, match=said):
        Settings(redis_url=SecretStr(url))
