"""Where a delivery connects to: to addresses that were checked, in the moment they were, and to no others."""

import asyncio
import gzip
from collections.abc import Callable, Coroutine
from typing import Any

import httpx
import pytest

from reports.delivering.posting import MOST_HEAD, Outcome, Poster
from reports.delivering.resolving import create_resolver
from reports.domain.webhook_address import Reach
from reports.settings import ReportsSettings
from shared.testing.tokens import Signer
from shared.testing.waiting import PATIENCE_SECONDS

from .outside import ALLOWED, NAME, Outside
from .story import new_id
from .test_webhook_deliveries import delivered, hasten, make

PUBLIC = "198.41.0.4"
BODY = b'{"type":"a","data":{}}'


def poster(settings: ReportsSettings, seconds: float = PATIENCE_SECONDS, reach: Reach | None = None) -> Poster:
    own = settings.webhooks
    return Poster(create_resolver(own.name_server), reach or own.reach, seconds=seconds, ca_file=own.ca_file)


async def post(
    settings: ReportsSettings, url: str, seconds: float = PATIENCE_SECONDS, reach: Reach | None = None
) -> Outcome:
    return await poster(settings, seconds, reach).post(url, {"webhook-id": "msg_1"}, BODY)


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["10.0.0.7"],
        ["169.254.169.254"],
        [PUBLIC, "127.0.0.1"],
        [ALLOWED, "10.0.0.7"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        [PUBLIC, "fd00:ec2::254"],
    ],
)
async def test_a_name_that_leads_inside_is_refused_when_it_is_registered(
    api: httpx.AsyncClient, signer: Signer, outside: Outside, addresses: list[str]
):
    outside.names.table["inside.hooks.test"] = [addresses]
    answer = await api.post(
        "/api/v1/webhooks", json={"url": "https://inside.hooks.test/"}, headers=signer.headers(new_id())
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "webhook_address_refused")
    assert not any(address in answer.text for address in addresses)


async def test_a_name_that_leads_inside_later_is_never_connected_to(
    api: httpx.AsyncClient, signer: Signer, outside: Outside, worker_process: httpx.AsyncClient, database: Any
):
    """DNS rebinding: public when asked by the check of the registration, loopback from then on."""
    assert worker_process
    outside.names.table["rebinds.hooks.test"] = [[PUBLIC], ["127.0.0.1"]]
    headers = signer.headers(new_id())
    webhook = await make(api, headers, f"https://rebinds.hooks.test:{outside.trap.port}/")
    assert outside.names.asked["rebinds.hooks.test"] == 1
    await api.post(f"/api/v1/webhooks/{webhook['id']}/test", headers=headers)
    first = await delivered(api, headers, webhook)
    assert (first["status"], first["latest_attempts"][0]["error"]) == ("pending", "address_refused")
    await hasten(database, webhook)
    await delivered(api, headers, webhook, attempts=2)
    assert outside.names.asked["rebinds.hooks.test"] == 3
    assert outside.trap.connections == 0


async def test_the_connection_goes_to_the_very_address_that_was_checked(settings: ReportsSettings, outside: Outside):
    """Who looks a name up again to connect would be led to the trap by the second answer."""
    outside.names.table["turns.hooks.test"] = [[ALLOWED], ["127.0.0.1"]]
    outcome = await post(settings, outside.url("/turns", "turns.hooks.test"))
    assert outcome.succeeded
    assert outside.names.asked["turns.hooks.test"] == 1
    assert outside.trap.connections == 0
    [request] = outside.receiver.at("/turns")
    assert request.server_name == "turns.hooks.test"


async def test_a_redirect_is_a_failure_and_not_followed(settings: ReportsSettings, outside: Outside):
    for number, status in enumerate((301, 302, 303, 307, 308)):
        place = f"https://127.0.0.1:{outside.trap.port}/"
        outside.receiver.answers[f"/moved{number}"] = [f"HTTP/1.1 {status} Moved\r\nLocation: {place}\r\n\r\n".encode()]
        outcome = await post(settings, outside.url(f"/moved{number}"))
        assert (outcome.status_code, outcome.error) == (status, "redirected")
    assert outside.trap.connections == 0


async def test_proxies_of_the_environment_are_not_asked(
    settings: ReportsSettings, outside: Outside, monkeypatch: pytest.MonkeyPatch
):
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{outside.trap.port}")
    assert (await post(settings, outside.url("/direct"))).succeeded
    assert outside.trap.connections == 0


async def test_a_certificate_must_be_the_names_and_of_a_known_authority(settings: ReportsSettings, outside: Outside):
    outside.names.table["other.example"] = [[ALLOWED]]
    assert (await post(settings, outside.url("/", "other.example"))).error == "tls_failed"
    stranger = Poster(create_resolver(settings.webhooks.name_server), settings.webhooks.reach, seconds=PATIENCE_SECONDS)
    assert (await stranger.post(outside.url("/"), {}, BODY)).error == "tls_failed"
    assert outside.receiver.at("/") == []


async def test_without_being_allowed_loopback_is_refused_by_address_and_by_name(
    settings: ReportsSettings, outside: Outside
):
    for host in (ALLOWED, NAME):
        assert (await post(settings, outside.url("/x", host), reach=Reach())).error == "address_refused"
    assert (await post(settings, outside.url("/by-address", ALLOWED))).succeeded


async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-A: b\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)


async def endless_head(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-A: " + b"b" * 1000 + b"\r\n")
        await writer.drain()


async def endless_interim(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        await writer.drain()


async def endless_body(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"ffff\r\n" + b"x" * 0xFFFF + b"\r\n")
        await writer.drain()


async def bomb(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    packed = gzip.compress(bytes(20_000_000))
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed)
    await writer.drain()


async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (endless_head, "bad_answer"),
        (endless_interim, "bad_answer"),
        (endless_body, None),
        (bomb, None),
        (b"SSH-2.0-OpenSSH_9\r\n\r\n", "bad_answer"),
        (b"", "bad_answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", "bad_answer"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "bad_answer"),
        (b"HTTP/1.0 200 OK\r\n\r\nold", None),
        (b"HTTP/1.1 404 No\r\n\r\n", "answered_4xx"),
    ],
)
async def test_whatever_a_receiver_does_an_attempt_ends_in_its_time(
    settings: ReportsSettings,
    outside: Outside,
    behaviour: bytes | Callable[..., Coroutine[Any, Any, None]],
    error: str | None,
):
    path = f"/odd{new_id()}"
    outside.receiver.answers[path] = [behaviour]
    async with asyncio.timeout(PATIENCE_SECONDS):
        outcome = await post(settings, outside.url(path), seconds=2 * PATIENCE_SECONDS)
    assert outcome.error == error
    assert MOST_HEAD < 100_000


@pytest.mark.parametrize("behaviour", [drip, silent])
async def test_whoever_keeps_an_attempt_waiting_for_ever_ends_it_by_its_time(
    settings: ReportsSettings, outside: Outside, behaviour: Callable[..., Coroutine[Any, Any, None]]
):
    path = f"/slow{new_id()}"
    outside.receiver.answers[path] = [behaviour]
    async with asyncio.timeout(PATIENCE_SECONDS):
        outcome = await post(settings, outside.url(path), seconds=1.0)
    assert outcome.error == "timed_out"


async def test_nobody_there_is_told_apart_from_no_such_name(settings: ReportsSettings, outside: Outside):
    closed = await asyncio.start_server(lambda *_: None, ALLOWED, 0)
    port = closed.sockets[0].getsockname()[1]
    closed.close()
    await closed.wait_closed()
    assert (await post(settings, f"https://{ALLOWED}:{port}/")).error == "connection_failed"
    assert (await post(settings, outside.url("/", "nowhere.hooks.test"))).error == "host_not_found"


async def test_the_next_address_is_tried_when_the_first_does_not_answer(settings: ReportsSettings, outside: Outside):
    outside.names.table["two.hooks.test"] = [["127.0.0.3", ALLOWED]]
    reach = Reach(allowed=[*settings.webhooks.reach.allowed, *[type(settings.webhooks.allow[0])("127.0.0.3/32")]])
    assert (await post(settings, outside.url("/two", "two.hooks.test"), reach=reach)).succeeded
