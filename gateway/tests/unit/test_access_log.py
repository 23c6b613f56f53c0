"""What a line of the access log says, and what no client can make it say."""

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.data.request_head import Derived
from gateway.telemetry.access_log import AccessLog
from gateway.telemetry.trace_context import TraceContext

_NOW = 1_795_370_955_123_456_789


def exchange(**named: Any) -> Any:
    fields: dict[str, Any] = {
        "match": None,
        "principal": None,
        "verdict": None,
        "method": b"GET",
        "path": b"/x",
        "query": b"",
        "status": 200,
        "code": "",
        "address": "127.0.0.1",
        "retried": False,
        "bytes_in": 0,
        "bytes_out": 5,
        "request_id": b"r-1",
        "head": SimpleNamespace(fields={}, derived=Derived()),
        "trace": TraceContext(None, 0.0),
        **named,
    }
    return SimpleNamespace(**fields)


async def line(capsysbinary: pytest.CaptureFixture[bytes], form: Any, **named: Any) -> bytes:
    log = AccessLog(asyncio.get_running_loop(), form)
    log.exchange(exchange(**named), _NOW, 0.0015)
    log.flush()
    return capsysbinary.readouterr().out


async def test_json_is_json_whatever_the_client_sent(capsysbinary: pytest.CaptureFixture[bytes]):
    hostile = b'a"\\\n\r\x00\xff</script>'
    head = SimpleNamespace(derived=Derived(), fields={b"user-agent": hostile})
    written = await line(capsysbinary, "json", path=b"/" + hostile, query=b"q=" + hostile + b"&token=s3cret", head=head)
    assert written.count(b"\n") == 1
    entry = json.loads(written)
    assert entry["timestamp"] == "2026-11-22T18:09:15.123Z"
    assert entry["path"] == "/" + hostile.decode("latin-1")
    assert entry["user_agent"] == hostile.decode("latin-1")
    assert entry["query"].endswith("&token=***")
    assert (entry["duration_ms"], entry["retried"], entry["version"]) == (1.5, False, None)


async def test_a_client_cannot_write_a_line_of_its_own_in_the_combined_format(
    capsysbinary: pytest.CaptureFixture[bytes],
):
    agent = b'curl" \n10.0.0.1 - root [] "GET /admin HTTP/1.1" 200 1 "-" "\xe9'
    head = SimpleNamespace(
        derived=Derived(), fields={b"user-agent": agent, b"referer": b"https://a.example/?token=s3cret"}
    )
    principal = SimpleNamespace(subject='7"')
    written = await line(capsysbinary, "combined", path=b'/a"b', query=b"token=s3cret", head=head, principal=principal)
    assert written.count(b"\n") == 1
    assert b"s3cret" not in written
    assert written == (
        b'127.0.0.1 - 7\\x22 [22/Nov/2026:18:09:15 +0000] "GET /a\\x22b?token=*** HTTP/1.1" 200 5 '
        b'"https://a.example/" "curl\\x22 \\x0a10.0.0.1 - root [] \\x22GET /admin HTTP/1.1\\x22 200 1 \\x22-\\x22 '
        b'\\x22\\xe9"\n'
    )


async def test_off_writes_nothing(capsysbinary: pytest.CaptureFixture[bytes]):
    assert await line(capsysbinary, "off") == b""
