"""Production refuses what is unsafe of users alone, in the API and in its worker."""

from pathlib import Path

import pytest

from shared.settings import UnusableSettingError
from users.settings import UsersSettings, WorkerSettings

PASSWORD = "hunter2-hunter2-hunter2"
SAFE = {
    "ENVIRONMENT": "production",
    "DATABASE_URL": f"postgresql://users:{PASSWORD}@127.0.0.1/gatehouse",
    "REDIS_URL": f"redis://:{PASSWORD}@127.0.0.1/0",
    "AMQP_URL": f"amqp://users:{PASSWORD}@127.0.0.1/",
    "TOKEN_ISSUER": "https://api.example.com",
    "PUBLIC_URL": "https://api.example.com",
    "AVATARS_DIR": "/nowhere/avatars",
    "TOKEN_PRIVATE_KEY_FILE": "/nowhere/users.pem",
    "SIGNING_KEYS_KEY": "a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2U=",
    "LIMITS_SCALE": "1",
    "GATEWAY_CLIENT_SECRET": "a-secret-of-this-test-with-forty-characters",
    "SECOND_FACTOR_KEY": "a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2U=",
}


@pytest.fixture(autouse=True)
def safe(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SAFE.items():
        monkeypatch.setenv(name, value)


def test_safe_settings_are_taken():
    UsersSettings()
    WorkerSettings()


@pytest.mark.parametrize(
    ("settings", "name", "value"),
    [
        (UsersSettings, "SECOND_FACTOR_KEY", ""),
        (UsersSettings, "SIGNING_KEYS_KEY", ""),
        (UsersSettings, "GATEWAY_CLIENT_SECRET", ""),
        (WorkerSettings, "SIGNING_KEYS_KEY", ""),
        (UsersSettings, "TOKEN_KEY_AHEAD_SECONDS", "659"),
        (UsersSettings, "LIMITS_SCALE", "2"),
        (UsersSettings, "GATEWAY_NETWORKS", "10.0.0.0/8,0.0.0.0/0"),
        (UsersSettings, "GATEWAY_NETWORKS", "::/0"),
        (WorkerSettings, "SMTP_URL", "smtp://mail.example.com:25"),
    ],
)
def test_each_unsafe_setting_is_told(
    monkeypatch: pytest.MonkeyPatch, settings: type[UsersSettings | WorkerSettings], name: str, value: str
):
    if value:
        monkeypatch.setenv(name, value)
    else:
        monkeypatch.delenv(name)
    with pytest.raises(UnusableSettingError) as refused:
        settings()
    [line] = str(refused.value).splitlines()[1:]
    assert line.strip().startswith(f"{name}: ")
    monkeypatch.setenv("ENVIRONMENT", "test")
    settings()


def test_a_key_that_all_can_read_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    path = tmp_path / "users.pem"
    path.touch(mode=0o644)
    monkeypatch.setenv("TOKEN_PRIVATE_KEY_FILE", str(path))
    with pytest.raises(UnusableSettingError, match="TOKEN_PRIVATE_KEY_FILE: the file can be read by others"):
        UsersSettings()
    path.chmod(0o600)
    UsersSettings()
