"""Production refuses what is unsafe, a line each, and takes what is safe."""

from pathlib import Path

import pytest

from gateway.cli import main
from gateway.production import unsafe
from gateway.settings import DEVELOPMENT_CLIENT_SECRET, Settings

SAFE = {
    "ENVIRONMENT": "production",
    "TOKEN_ISSUER": "https://api.example.com",
    "REDIS_URL": "rediss://:a-long-hunter2-password@redis.example.com/0",
    "JWKS_URL": "https://users.internal/.well-known/jwks.json",
    "LIMITS_SCALE": "1",
    "TRUSTED_PROXIES": "10.0.0.0/8,fc00::/7",
    "ADMIN_TOKEN": "another-hunter2-secret",
    "GATEWAY_CLIENT_SECRET": "a-hunter2-secret-of-thirty-two-characters",
}


def told(monkeypatch: pytest.MonkeyPatch, **changes: str) -> list[str]:
    for name, value in {**SAFE, **changes}.items():
        monkeypatch.setenv(name, value)
    return list(unsafe(Settings()))


def test_safe_settings_are_taken(monkeypatch: pytest.MonkeyPatch):
    assert told(monkeypatch) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TOKEN_ISSUER", "http://api.example.com"),
        ("REDIS_URL", "rediss://redis.example.com/0"),
        ("REDIS_URL", "rediss://:short@redis.example.com/0"),
        ("REDIS_URL", "redis://:a-long-hunter2-password@redis.example.com/0"),
        ("JWKS_URL", "http://users.internal/.well-known/jwks.json"),
        ("LIMITS_SCALE", "1.5"),
        ("LOG_LEVEL", "DEBUG"),
        ("TRUSTED_PROXIES", "0.0.0.0/0"),
        ("TRUSTED_PROXIES", "10.0.0.0/8,::/0"),
        ("TRUSTED_PROXIES", "0.0.0.0/1"),
        ("ADMIN_TOKEN", "hunter2"),
        ("GATEWAY_CLIENT_SECRET", DEVELOPMENT_CLIENT_SECRET),
    ],
)
def test_each_unsafe_setting_is_told_without_its_value(monkeypatch: pytest.MonkeyPatch, name: str, value: str):
    [line] = told(monkeypatch, **{name: value})
    assert line.startswith(f"{name}: ")
    assert "hunter2" not in line
    assert told(monkeypatch, **{name: value, "ENVIRONMENT": "test"}) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("REDIS_URL", "redis://:a-long-hunter2-password@redis/0"), ("JWKS_URL", "http://users:8010/jwks.json")],
)
def test_a_network_of_ones_own_is_said_to_be_so(monkeypatch: pytest.MonkeyPatch, name: str, value: str):
    assert told(monkeypatch, **{name: value, "ALLOW_PLAINTEXT_BACKENDS": "true"}) == []


def test_a_secret_that_all_can_read_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    path = tmp_path / "redis_url"
    path.write_text(SAFE["REDIS_URL"])
    monkeypatch.setenv("REDIS_URL_FILE", str(path))
    path.chmod(0o644)
    [line] = told(monkeypatch)
    assert line.startswith("REDIS_URL_FILE: ")
    path.chmod(0o640)
    assert told(monkeypatch) == []


def test_the_start_ends_with_the_whole_list(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    for name in SAFE:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ENVIRONMENT", "production")
    assert main(["run"]) == 1
    said = capsys.readouterr().err
    assert [line.strip().partition(":")[0] for line in said.splitlines()[1:]] == [
        "TOKEN_ISSUER",
        "REDIS_URL",
        "GATEWAY_CLIENT_SECRET",
    ]
