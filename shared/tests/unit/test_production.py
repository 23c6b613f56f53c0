"""Production refuses what is unsafe in every service: all of it at once, by name, without a value."""

from pathlib import Path

import pytest

from shared.settings import ServiceSettings, UnusableSettingError, wrong_settings_in_words

PASSWORD = "hunter2-hunter2-hunter2"
SAFE = {
    "ENVIRONMENT": "production",
    "DATABASE_URL": f"postgresql://users:{PASSWORD}@db.example.com/gatehouse?sslmode=verify-full",
    "REDIS_URL": f"rediss://:{PASSWORD}@redis.example.com/0",
    "AMQP_URL": f"amqps://users:{PASSWORD}@rabbit.example.com/",
    "TOKEN_ISSUER": "https://api.example.com",
    "JWKS_URL": "https://users.internal/.well-known/jwks.json",
}


@pytest.fixture(autouse=True)
def safe(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SAFE.items():
        monkeypatch.delenv(f"{name}_FILE", raising=False)
        monkeypatch.setenv(name, value)


def test_safe_settings_are_taken():
    assert ServiceSettings().tokens.issuer == SAFE["TOKEN_ISSUER"]


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("TOKEN_ISSUER", "http://api.example.com", "https"),
        ("DATABASE_URL", f"postgresql://users:{PASSWORD}@db.example.com/gatehouse", "not encrypted"),
        ("DATABASE_URL", f"postgresql://users:{PASSWORD}@db.example.com/gatehouse?sslmode=prefer", "not encrypted"),
        ("DATABASE_URL", "postgresql://users@127.0.0.1/gatehouse", "no password"),
        ("DATABASE_URL", "postgresql://postgres:postgres@127.0.0.1/gatehouse", "well-known"),
        ("DATABASE_URL", "postgresql://hunter2-hunter2:hunter2-hunter2@127.0.0.1/gatehouse", "well-known"),
        ("DATABASE_OWNER_URL", f"postgresql://users_owner:{PASSWORD}@db.example.com/gatehouse", "not encrypted"),
        ("REDIS_URL", f"redis://:{PASSWORD}@redis.example.com/0", "not encrypted"),
        ("REDIS_URL", "redis://127.0.0.1/0", "no password"),
        ("AMQP_URL", f"amqp://users:{PASSWORD}@rabbit/", "not encrypted"),
        ("AMQP_URL", "amqps://guest:guest@rabbit.example.com/", "well-known"),
        ("AMQP_URL", "amqps://users:hunter2@rabbit.example.com/", "less than 12"),
        ("JWKS_URL", "http://users:8010/.well-known/jwks.json", "not encrypted"),
        ("LOG_LEVEL", "DEBUG", "DEBUG"),
        ("WORKER_SCHEDULES", "false", "no key is rotated"),
    ],
)
def test_each_unsafe_setting_is_told(monkeypatch: pytest.MonkeyPatch, name: str, value: str, why: str):
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended, wrong_settings_in_words("users"):
        ServiceSettings()
    [line] = str(ended.value).splitlines()[2:]
    assert line.strip().startswith(f"{name}: ")
    assert why in line
    assert "hunter2" not in line
    for elsewhere in ("test", "development"):
        monkeypatch.setenv("ENVIRONMENT", elsewhere)
        ServiceSettings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", f"postgresql://users:{PASSWORD}@postgres:5432/gatehouse"),
        ("REDIS_URL", f"redis://:{PASSWORD}@redis:6379/0"),
        ("AMQP_URL", f"amqp://users:{PASSWORD}@rabbitmq:5672/"),
        ("JWKS_URL", "http://users:8010/.well-known/jwks.json"),
    ],
)
def test_a_network_of_ones_own_is_said_to_be_so(monkeypatch: pytest.MonkeyPatch, name: str, value: str):
    monkeypatch.setenv(name, value)
    with pytest.raises(UnusableSettingError, match="ALLOW_PLAINTEXT_BACKENDS"):
        ServiceSettings()
    monkeypatch.setenv("ALLOW_PLAINTEXT_BACKENDS", "true")
    ServiceSettings()


def test_this_machine_needs_no_tls(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("REDIS_URL", f"redis://:{PASSWORD}@[::1]:6379/0")
    monkeypatch.setenv("DATABASE_URL", "postgresql://users@/gatehouse?host=/run/postgresql")
    ServiceSettings()


def test_a_secret_that_all_can_read_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    path = tmp_path / "database_url"
    path.write_text(SAFE["DATABASE_URL"])
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.setenv("DATABASE_URL_FILE", str(path))
    path.chmod(0o644)
    with pytest.raises(UnusableSettingError, match="DATABASE_URL_FILE: the file can be read by others"):
        ServiceSettings()
    path.chmod(0o640)
    ServiceSettings()


def test_all_of_it_is_told_at_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TOKEN_ISSUER", "http://a.example")
    monkeypatch.setenv("REDIS_URL", "redis://redis/0")
    monkeypatch.setenv("LOG_LEVEL", "DEBUG")
    with pytest.raises(UnusableSettingError) as refused:
        ServiceSettings()
    named = [line.strip().partition(":")[0] for line in str(refused.value).splitlines()[1:]]
    assert named == ["TOKEN_ISSUER", "REDIS_URL", "REDIS_URL", "LOG_LEVEL"]
