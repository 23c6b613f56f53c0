"""Production refuses what is unsafe of reports alone."""

import pytest

from reports.settings import ReportsSettings
from shared.settings import UnusableSettingError

PASSWORD = "hunter2-hunter2-hunter2"
KEY = "a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2U="
SAFE = {
    "ENVIRONMENT": "production",
    "DATABASE_URL": f"postgresql://reports:{PASSWORD}@127.0.0.1/gatehouse",
    "REDIS_URL": f"redis://:{PASSWORD}@127.0.0.1/0",
    "AMQP_URL": f"amqp://reports:{PASSWORD}@127.0.0.1/",
    "TOKEN_ISSUER": "https://api.example.com",
    "PUBLIC_URL": "https://api.example.com",
    "REPORTS_DIR": "/nowhere/reports",
    "WEBHOOKS_KEY": f"{KEY},{KEY}",
}


@pytest.fixture(autouse=True)
def safe(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SAFE.items():
        monkeypatch.setenv(name, value)


def test_safe_settings_are_taken():
    assert ReportsSettings().webhooks.keys == (KEY, KEY)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WEBHOOKS_KEY", ""),
        ("WEBHOOKS_ALLOW", "127.0.0.1/32"),
        ("PUBLIC_URL", "http://api.example.com"),
        ("SMTP_URL", "smtp://mail.example.com:25"),
        ("S3_ENDPOINT_URL", "http://s3.example.com:9000"),
    ],
)
def test_each_unsafe_setting_is_told(monkeypatch: pytest.MonkeyPatch, name: str, value: str):
    if value:
        monkeypatch.setenv(name, value)
    else:
        monkeypatch.delenv(name)
    with pytest.raises(UnusableSettingError) as refused:
        ReportsSettings()
    [line] = str(refused.value).splitlines()[1:]
    assert line.strip().startswith(f"{name}: ")
    monkeypatch.setenv("ENVIRONMENT", "test")
    ReportsSettings()
