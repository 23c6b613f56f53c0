from pathlib import Path

import pytest
from pydantic import ValidationError

from shared.settings import PostgresSettings, RabbitSettings, ServiceSettings, TelemetrySettings


def test_a_setting_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://a")
    assert PostgresSettings().url.get_secret_value() == "postgresql://a"


def test_a_setting_comes_from_the_file_that_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "url").write_text("amqp://b\n")
    monkeypatch.delenv("AMQP_URL", raising=False)
    monkeypatch.setenv("AMQP_URL_FILE", str(tmp_path / "url"))
    assert RabbitSettings().url.get_secret_value() == "amqp://b"


def test_a_secret_is_not_shown(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:hunter2@h/d")
    assert "hunter2" not in repr(PostgresSettings())


@pytest.mark.parametrize(
    ("name", "value"),
    [("DATABASE_MAX_CONNECTIONS", "0"), ("DATABASE_MIN_CONNECTIONS", "11"), ("DATABASE_ACQUIRE_SECONDS", "soon")],
)
def test_a_bad_setting_stops_the_start_and_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str):
    monkeypatch.setenv("DATABASE_URL", "postgresql://a")
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match=name):
        PostgresSettings()


def test_a_missing_setting_stops_the_start_and_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with pytest.raises(ValidationError, match="DATABASE_URL"):
        PostgresSettings()


def test_a_ratio_is_a_ratio(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TRACES_SAMPLE_RATIO", "1.5")
    with pytest.raises(ValidationError, match="TRACES_SAMPLE_RATIO"):
        TelemetrySettings()


def test_a_variable_that_is_called_as_a_field_is_somebody_elses(monkeypatch: pytest.MonkeyPatch):
    """``make chaos SEED=4 SECONDS=360`` handed both on to the services, which ended over them."""
    for name in ("DATABASE_URL", "AMQP_URL", "TOKEN_ISSUER", "JWKS_URL"):
        monkeypatch.setenv(name, "https://a.example")
    monkeypatch.setenv("REDIS_URL", "redis://a.example")
    for name in ("PORT", "HOST", "URL", "SECONDS"):
        monkeypatch.setenv(name, "4")
    for name, field in ServiceSettings.model_fields.items():
        if field.validation_alias is None:
            monkeypatch.setenv(name.upper(), "4")
    assert ServiceSettings().http.port == 8000
