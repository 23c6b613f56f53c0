"""TRAPS, Gateway: forwarding 1, 2, 5 to 9 and 14."""

import asyncio

from gateway_testing.process import GatewayProcess
from gateway_testing.upstream import Call, RawUpstream
from gateway_testing.wire import Wire, ask, request

from shared.testing.waiting import PATIENCE_SECONDS


async def test_forwards_method_target_headers_and_body(gateway: GatewayProcess, upstream: RawUpstream):
    answer = await ask(
        gateway.port, "POST", "/api/v1/things?a=%20b&c", {"x-one": "1", "content-type": "text/x"}, b"hello"
    )
    assert answer.status == 200
    seen = upstream.seen[0]
    assert (seen.method, seen.target, seen.body) == ("POST", "/api/v1/things?a=%20b&c", b"hello")
    assert (seen.get("x-one"), seen.get("content-type")) == ("1", "text/x")
    assert seen.get("host") == "gateway.test"
    assert seen.all("via") == ["1.1 gatehouse"]


async def test_trap_1_a_reused_connection_that_died_before_a_byte_is_tried_once_more(
    gateway: GatewayProcess, upstream: RawUpstream
):
    async def dies_on_reuse(call: Call) -> None:
        if call.nth > 1:
            call.writer.transport.abort()
        else:
            await call.answer(200, b"fresh")

    upstream.manner = dies_on_reuse
    wire = await Wire.open(gateway.port)
    for _ in range(6):
        await wire.send(request("GET", "/api/v1/things"))
        answer = await wire.answer()
        assert (answer.status, answer.body) == (200, b"fresh")
    assert await gateway.metric("gateway_retries_total", upstream="main") > 0


async def test_trap_1_a_fresh_connection_that_dies_is_a_502(gateway: GatewayProcess, upstream: RawUpstream):
    async def always_dies(call: Call) -> None:
        call.writer.transport.abort()

    upstream.manner = always_dies
    answer = await ask(gateway.port, "GET", "/api/v1/forgetful")  # whose connections are all new
    assert (answer.status, answer.code) == (502, "bad_gateway")
    assert len(upstream.seen) == 1


async def test_trap_2_a_post_is_never_sent_twice(gateway: GatewayProcess, upstream: RawUpstream):
    await ask(gateway.port, "GET", "/api/v1/things")  # leaves an idle connection behind

    async def dies(call: Call) -> None:
        await call.read_body()
        call.writer.transport.abort()

    upstream.seen.clear()
    upstream.manner = dies
    for method in ("POST", "PATCH"):
        upstream.seen.clear()
        answer = await ask(gateway.port, method, "/api/v1/things", body=b"x")
        assert answer.status == 502
        assert len(upstream.seen) == 1


async def test_trap_2_a_post_with_an_idempotency_key_is_sent_again_whole(
    gateway: GatewayProcess, upstream: RawUpstream
):
    await ask(gateway.port, "GET", "/api/v1/things")

    async def dies_on_reuse(call: Call) -> None:
        await call.read_body()
        if call.nth > 1:
            call.writer.transport.abort()
        else:
            await call.answer(201, b"made")

    upstream.manner = dies_on_reuse
    upstream.seen.clear()
    answer = await ask(gateway.port, "POST", "/api/v1/things", {"idempotency-key": "k"}, b"body")
    assert answer.status == 201
    assert [seen.body for seen in upstream.seen] == [b"body", b"body"]


async def test_trap_2_a_post_whose_key_ends_at_the_gateway_is_not_sent_again(
    gateway: GatewayProcess, upstream: RawUpstream
):
    await ask(gateway.port, "GET", "/api/v1/things")

    async def dies(call: Call) -> None:
        await call.read_body()
        call.writer.transport.abort()

    upstream.manner = dies
    upstream.seen.clear()
    headers = {"idempotency-key": "k", "connection": "keep-alive, Idempotency-Key"}
    answer = await ask(gateway.port, "POST", "/api/v1/things", headers, b"body")
    assert answer.status == 502
    assert [seen.get("idempotency-key") for seen in upstream.seen] == [None]


async def test_trap_5_a_long_line_is_414_and_long_headers_are_431(gateway: GatewayProcess, upstream: RawUpstream):
    answer = await ask(gateway.port, "GET", "/api/v1/things?q=" + "a" * 9000)
    assert (answer.status, answer.code) == (414, "target_too_long")
    answer = await ask(gateway.port, "GET", "/api/v1/things", {"x-long": "a" * 40000})
    assert (answer.status, answer.code) == (431, "headers_too_large")
    answer = await ask(gateway.port, "GET", "/api/v1/things", {f"x-{i}": "a" for i in range(200)})
    assert answer.status == 431
    assert upstream.seen == []


async def test_trap_5_a_header_that_never_ends_is_431(gateway: GatewayProcess):
    wire = await Wire.open(gateway.port)
    await wire.send(b"GET /api/v1/things HTTP/1.1\r\nhost: a\r\nx: ")
    for _ in range(12):
        await wire.send(b"a" * 8192)
        await asyncio.sleep(0.01)
    assert (await wire.answer()).status == 431


async def test_trap_6_first_byte_in_is_first_byte_out(gateway: GatewayProcess, upstream: RawUpstream):
    go_on = asyncio.Event()

    async def streams(call: Call) -> None:
        await call.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        await call.send(b"9\r\ndata: 1\n\n\r\n")
        await go_on.wait()
        await call.send(b"9\r\ndata: 2\n\n\r\n0\r\n\r\n")

    upstream.manner = streams
    wire = await Wire.open(gateway.port)
    await wire.send(request("GET", "/api/v1/stream", {"accept-encoding": "gzip, br, zstd"}))
    async with asyncio.timeout(60):
        first = await wire.reader.readuntil(b"data: 1\n\n")
    assert b"content-encoding" not in first
    go_on.set()
    async with asyncio.timeout(60):
        await wire.reader.readuntil(b"data: 2\n\n")


async def test_trap_6_a_stream_has_an_idle_limit_and_no_total_one(gateway: GatewayProcess, upstream: RawUpstream):
    async def ticks(call: Call) -> None:
        await call.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        for _ in range(8):
            await call.send(b"1\r\n\n\r\n")
            await asyncio.sleep(0.3)
        cut.append(await call.hung_up())

    cut: list[bool] = []
    upstream.manner = ticks
    wire = await Wire.open(gateway.port)
    await wire.send(request("GET", "/api/v1/stream"))
    loop = asyncio.get_running_loop()
    started = loop.time()
    async with asyncio.timeout(60):
        while await wire.reader.read(4096):
            pass
        # Eight ticks over 2.4 s although total is 1 s; then the idle limit of 0.8 s ends it, and not the upstream.
        assert loop.time() - started > 2.5
        while not cut:
            await asyncio.sleep(0.02)
    assert cut == [True]


async def test_trap_7_a_hang_up_reaches_the_upstream_and_is_logged_499(gateway: GatewayProcess, upstream: RawUpstream):
    started, hung_up = asyncio.Event(), asyncio.Event()

    async def waits(call: Call) -> None:
        started.set()
        if await call.hung_up():
            hung_up.set()

    upstream.manner = waits
    wire = await Wire.open(gateway.port)
    await wire.send(request("GET", "/api/v1/things?hangup=1"))
    await asyncio.wait_for(started.wait(), PATIENCE_SECONDS)
    wire.close()
    await asyncio.wait_for(hung_up.wait(), PATIENCE_SECONDS)
    line = await gateway.logged(query="hangup=1")
    assert (line["status"], line["code"]) == (499, "client_closed_request")


async def test_trap_8_forwarding_headers_of_strangers_and_identity_headers_do_not_pass(
    gateway: GatewayProcess, upstream: RawUpstream
):
    answer = await ask(
        gateway.port,
        "GET",
        "/api/v1/things",
        {
            "x-forwarded-for": "1.2.3.4",
            "x-forwarded-proto": "https",
            "forwarded": "for=1.2.3.4",
            "x-real-ip": "1.2.3.4",
            "x-user-id": "1",
            "x_user_id": "1",
            "x-auth-request-user": "root",
            "remote-user": "root",
            "via": "1.0 before",
        },
    )
    assert answer.status == 200
    seen = upstream.seen[0]
    assert seen.all("x-forwarded-for") == ["127.0.0.1"]
    assert seen.all("x-forwarded-proto") == ["http"]
    assert seen.all("x-forwarded-host") == ["gateway.test"]
    assert seen.all("forwarded") == ['for=127.0.0.1;host="gateway.test";proto=http']
    assert seen.all("via") == ["1.0 before, 1.1 gatehouse"]
    names = {name for name, _ in seen.headers}
    assert not names & {"x-real-ip", "x-user-id", "x_user_id", "x-auth-request-user", "remote-user"}


async def test_trap_8_no_stranger_says_who_he_is_or_which_method_it_is(gateway: GatewayProcess, upstream: RawUpstream):
    names = {
        "x-client-ip",
        "x-cluster-client-ip",
        "fastly-client-ip",
        "x-jwt-claims",
        "x-email",
        "x-admin",
        "x-account-id",
        "x-subject",
        "ssl-client-cert",
        "x-ssl-client-verify",
        "x-method",
        "x-method-override",
        "x-http-method-override",
        "proxy",
    }
    answer = await ask(gateway.port, "GET", "/api/v1/things", dict.fromkeys(names, "1") | {"x-kept": "1"})
    assert answer.status == 200
    arrived = {name for name, _ in upstream.seen[0].headers}
    assert not arrived & names
    assert "x-kept" in arrived


async def test_trap_9_hop_by_hop_headers_end_here_both_ways(gateway: GatewayProcess, upstream: RawUpstream):
    async def answers(call: Call) -> None:
        await call.answer(
            200,
            b"x",
            ("connection", "x-hop"),
            ("x-hop", "1"),
            ("keep-alive", "timeout=5"),
            ("set-cookie", "a=1; Path=/"),
            ("set-cookie", "b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT"),
            ("server", "secret/1"),
        )

    upstream.manner = answers
    answer = await ask(
        gateway.port,
        "GET",
        "/api/v1/things",
        {"connection": "keep-alive, X-Mine", "x-mine": "1", "te": "trailers", "keep-alive": "5"},
    )
    assert answer.all("set-cookie") == ["a=1; Path=/", "b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT"]
    names = {name for name, _ in answer.headers}
    assert not names & {"x-hop", "keep-alive", "server", "connection"}
    seen = upstream.seen[0]
    assert not {name for name, _ in seen.headers} & {"x-mine", "keep-alive"}
    # Said anew for the gateway's own hop, for this client takes trailers.
    assert (seen.all("connection"), seen.all("te")) == (["te"], ["trailers"])


async def test_trap_9_coded_bytes_pass_undecoded(gateway: GatewayProcess, upstream: RawUpstream):
    body = bytes(range(256)) * 20

    async def answers(call: Call) -> None:
        await call.answer(200, body, ("content-encoding", "gzip"), ("content-type", "text/plain"))

    upstream.manner = answers
    answer = await ask(gateway.port, "GET", "/api/v1/things", {"accept-encoding": "br"})
    assert (answer.body, answer["content-encoding"], answer["content-length"]) == (body, "gzip", str(len(body)))


async def test_trap_9_head_204_and_304_have_no_body(gateway: GatewayProcess, upstream: RawUpstream):
    async def answers(call: Call) -> None:
        status = int(call.seen.target.rpartition("=")[2])
        await call.answer(status, b"" if status != 200 else b"12345", ("etag", '"1"'))

    upstream.manner = answers
    wire = await Wire.open(gateway.port)
    for method, status in (("HEAD", 200), ("GET", 204), ("GET", 304), ("HEAD", 200), ("GET", 200)):
        await wire.send(request(method, f"/api/v1/things?s={status}"))
        answer = await wire.answer(head_only=method == "HEAD")
        assert answer.status == status
        assert answer.get("transfer-encoding") is None
        if method == "HEAD":
            assert answer["content-length"] == "5"
    assert answer.body == b"12345"


async def test_trap_9_no_upgrade_to_h2c_and_the_body_is_kept(gateway: GatewayProcess, upstream: RawUpstream):
    wire = await Wire.open(gateway.port)
    upgrade = {"connection": "Upgrade, HTTP2-Settings", "upgrade": "h2c", "http2-settings": "AAMAAABkAAQAAP__"}
    await wire.send(request("POST", "/api/v1/things", upgrade, b"GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n"))
    assert (await wire.answer()).status == 200
    await wire.send(request("GET", "/api/v1/things", upgrade))
    assert (await wire.answer()).status == 200
    assert [seen.target for seen in upstream.seen] == ["/api/v1/things", "/api/v1/things"]
    assert upstream.seen[0].body.startswith(b"GET /smuggled")
    assert upstream.seen[0].get("upgrade") is None


async def test_trap_14_the_wait_for_a_connection_ends_in_503(gateway: GatewayProcess, upstream: RawUpstream):
    began, release = asyncio.Event(), asyncio.Event()

    async def waits(call: Call) -> None:
        began.set()
        await release.wait()
        await call.answer(200, b"late")

    upstream.manner = waits
    first = asyncio.create_task(ask(gateway.port, "GET", "/api/v1/narrow"))
    await asyncio.wait_for(began.wait(), PATIENCE_SECONDS)
    others = await asyncio.gather(*(ask(gateway.port, "GET", "/api/v1/narrow") for _ in range(4)))
    assert [answer.status for answer in others] == [503] * 4
    assert {answer.code for answer in others} == {"upstream_busy"}
    assert all(answer["retry-after"] for answer in others)
    release.set()
    assert (await first).status == 200
    # And the pool is whole again.
    assert (await ask(gateway.port, "GET", "/api/v1/narrow")).status == 200


async def test_an_upstream_that_is_not_there_is_502(gateway: GatewayProcess):
    answer = await ask(gateway.port, "GET", "/api/v1/dead")
    assert (answer.status, answer.code) == (502, "bad_gateway")
    assert "127.0.0.1" not in answer.body.decode()


async def test_an_upstream_that_is_late_is_504(gateway: GatewayProcess, upstream: RawUpstream):
    async def silent(call: Call) -> None:
        await call.hung_up()

    upstream.manner = silent
    answer = await ask(gateway.port, "GET", "/api/v1/slow")
    assert (answer.status, answer.code) == (504, "gateway_timeout")


async def test_an_answer_that_breaks_off_is_seen_as_broken(gateway: GatewayProcess, upstream: RawUpstream):
    async def breaks(call: Call) -> None:
        await call.send(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345")
        call.writer.close()

    upstream.manner = breaks
    try:
        answer = await ask(gateway.port, "GET", "/api/v1/things?broken=1")
    except ConnectionError:
        answer = None
    assert answer is None
    assert (await gateway.logged(query="broken=1"))["code"] == "upstream_broke"


async def test_an_answer_that_trickles_ends_with_the_total_deadline(gateway: GatewayProcess, upstream: RawUpstream):
    async def trickles(call: Call) -> None:
        await call.send(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        for _ in range(900):
            await call.send(b"x")
            await asyncio.sleep(0.1)

    upstream.manner = trickles
    loop = asyncio.get_running_loop()
    started = loop.time()
    try:
        # Each piece is in time; the upstream would go on for a minute and a half.
        await ask(gateway.port, "GET", "/api/v1/slow")
        ended_short = False
    except ConnectionError:
        ended_short = True
    assert ended_short
    assert loop.time() - started > 2.5


async def test_answers_without_a_length_end_by_the_close(gateway: GatewayProcess, upstream: RawUpstream):
    async def answers(call: Call) -> None:
        await call.send(b"HTTP/1.0 200 OK\r\ncontent-type: text/x\r\n\r\nuntil the end")
        call.writer.close()

    upstream.manner = answers
    answer = await ask(gateway.port, "GET", "/api/v1/things")
    assert (answer.body, answer["transfer-encoding"]) == (b"until the end", "chunked")


async def test_garbage_from_the_upstream_is_502(gateway: GatewayProcess, upstream: RawUpstream):
    async def garbage(call: Call) -> None:
        await call.send(b"SSH-2.0-OpenSSH\r\n")
        await asyncio.sleep(0.2)

    upstream.manner = garbage
    assert (await ask(gateway.port, "GET", "/api/v1/things")).status == 502


async def test_surplus_bytes_after_an_answer_never_reach_the_next_one(gateway: GatewayProcess, upstream: RawUpstream):
    async def answers(call: Call) -> None:
        await call.send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nx-evil: 1")

    upstream.manner = answers
    for _ in range(3):
        answer = await ask(gateway.port, "GET", "/api/v1/things")
        assert (answer.status, answer.body, answer.get("x-evil")) == (200, b"ok", None)


async def test_pipelined_requests_of_both_planes_are_answered_in_order(gateway: GatewayProcess):
    wire = await Wire.open(gateway.port)
    targets = ["/api/v1/things?n=1", "/health/live", "/api/v1/things?n=2", "/health/live", "/nowhere"]
    await wire.send(b"".join(request("GET", target) for target in targets))
    answers = [await wire.answer() for _ in targets]
    assert [answer.status for answer in answers] == [200, 200, 200, 200, 404]
    assert answers[0].json()["target"].endswith("n=1")
    assert answers[1].json() == {"status": "alive"}
    assert answers[2].json()["target"].endswith("n=2")


async def test_http_1_0_gets_an_answer_that_ends_by_the_close(gateway: GatewayProcess, upstream: RawUpstream):
    async def answers(call: Call) -> None:
        await call.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")

    upstream.manner = answers
    wire = await Wire.open(gateway.port)
    await wire.send(b"GET /api/v1/things HTTP/1.0\r\nhost: a\r\n\r\n")
    answer = await wire.answer()
    assert (answer.body, answer["connection"]) == (b"ok", "close")
    assert answer.get("transfer-encoding") is None
