"""Settings of the console: where it reads besides the gateway's own metrics, how often, and for how many."""

from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode

_MOST_PAGES = 64


class ConsoleSettings(BaseSettings):
    """A part of gateway.settings.Settings; durations in seconds."""

    # Pages in Prometheus' text format, as NAME=URL, comma-separated.
    console_metrics: Annotated[tuple[tuple[str, str], ...], NoDecode] = Field(
        default=(), validation_alias="CONSOLE_METRICS", max_length=_MOST_PAGES
    )
    # Where Jaeger's query API answers the gateway; TRACES_URL is what a person's browser opens.
    console_traces: str | None = Field(default=None, validation_alias="CONSOLE_TRACES_API")
    console_seconds: float = Field(default=2.0, validation_alias="CONSOLE_SECONDS", ge=0.2, le=60)
    console_watchers: int = Field(default=16, validation_alias="CONSOLE_WATCHERS", ge=1, le=1000)

    @field_validator("console_metrics", mode="before")
    @classmethod
    def _pages(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        pages = [part.strip().partition("=") for part in value.split(",") if part.strip()]
        for name, _, url in pages:
            if not name.strip():
                raise ValueError("each page is NAME=URL, such as orders=http://127.0.0.1:8020/metrics")
            _require_http(url)
        names = [name.strip() for name, _, _ in pages]
        if len(set(names)) < len(names):
            raise ValueError("two pages have one name")
        return tuple((name.strip(), url.strip()) for name, _, url in pages)

    @field_validator("console_traces")
    @classmethod
    def _traces(cls, value: str | None) -> str | None:
        if not value:
            return None
        _require_http(value)
        return value.rstrip("/")


def _require_http(url: str) -> None:
    parts = urlsplit(url.strip())
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"{url.strip() or 'nothing'} is no http or https URL")
