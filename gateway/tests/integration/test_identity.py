"""TRAPS, Gateway: forwarding 12, and Auth 1 and 7: who a request speaks for."""

import asyncio
import base64
import time
from collections.abc import Callable

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from gateway_testing.process import GatewayProcess, Valkey
from gateway_testing.tokens import Issuer
from gateway_testing.upstream import RawUpstream
from gateway_testing.wire import Answer, ask
from jwt.algorithms import get_default_algorithms

from gateway.identity.keys import MIN_INTERVAL
from shared.testing.waiting import eventually


def api_key(word: str) -> str:
    """A key of the right shape."""
    return "gh_1_" + word.ljust(43, "x")


async def with_token(gateway: GatewayProcess, token: str, target: str = "/api/v1/private") -> Answer:
    return await ask(gateway.port, "GET", target, {"authorization": f"Bearer {token}"})


async def test_a_good_token_passes_and_is_passed_on(gateway: GatewayProcess, upstream: RawUpstream, issuer: Issuer):
    token = issuer.token()
    for _ in range(2):
        assert (await with_token(gateway, token)).status == 200
    assert [seen.get("authorization") for seen in upstream.seen] == [f"Bearer {token}"] * 2


async def test_no_token_is_401_without_an_error_code(gateway: GatewayProcess, upstream: RawUpstream):
    answer = await ask(gateway.port, "GET", "/api/v1/private")
    assert (answer.status, answer.code) == (401, "unauthorized")
    assert answer["www-authenticate"] == 'Bearer realm="gatehouse"'
    assert upstream.seen == []


async def test_a_token_without_the_scope_is_403(gateway: GatewayProcess, upstream: RawUpstream, issuer: Issuer):
    answer = await with_token(gateway, issuer.token(), "/api/v1/admin")
    assert (answer.status, answer.code) == (403, "insufficient_scope")
    assert answer["www-authenticate"].endswith('error="insufficient_scope", scope="admin"')
    assert upstream.seen == []


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _unsigned(issuer: Issuer) -> str:
    header = base64.urlsafe_b64encode(b'{"alg":"none","typ":"at+jwt","kid":"one"}').rstrip(b"=").decode()
    return f"{header}.{issuer.token().split('.')[1]}."


def _signed_with_the_public_key(issuer: Issuer) -> str:
    public = orjson.loads(issuer.jwks())["keys"][0]["x"]
    claims = jwt.decode(issuer.token(), options={"verify_signature": False})
    return jwt.encode(claims, public, algorithm="HS256", headers={"typ": "at+jwt", "kid": "one"})


def _own_key(_: Issuer) -> str:
    stranger = Issuer()
    key = orjson.loads(stranger.jwks())["keys"][0]
    return stranger.token(header={"jwk": key, "jku": "http://evil.test/jwks.json"})


def _tampered(issuer: Issuer) -> str:
    head, _, signature = issuer.token().split(".")
    body = issuer.token("1", role="admin").split(".")[1]
    return f"{head}.{body}.{signature}"


def _with_header(header: bytes) -> Callable[[Issuer], str]:
    encoded = base64.urlsafe_b64encode(header).rstrip(b"=").decode()
    return lambda issuer: encoded + "." + issuer.token().partition(".")[2]


BAD = {
    "none": _unsigned,
    "HS with the public key": _signed_with_the_public_key,
    "a key of its own": _own_key,
    "tampered": _tampered,
    "expired": lambda issuer: issuer.token(exp=int(time.time()) - 1),
    "no exp": lambda issuer: issuer.token(exp=None),
    "other audience": lambda issuer: issuer.token(aud="other"),
    "no audience": lambda issuer: issuer.token(aud=None),
    "other issuer": lambda issuer: issuer.token(iss="http://evil.test"),
    "another kind": lambda issuer: issuer.token(header={"typ": "JWT"}),
    "a refresh token": lambda issuer: issuer.token(header={"typ": "rt+jwt"}),
    "not yet": lambda issuer: issuer.token(nbf=int(time.time()) + 100),
    "an extension we do not know": lambda issuer: issuer.token(header={"crit": ["exp2"], "exp2": 1}),
    "no subject": lambda issuer: issuer.token(sub=None),
    "an algorithm that is a list": _with_header(b'{"alg":[],"typ":"at+jwt","kid":"one"}'),
    "an algorithm that is an object": _with_header(b'{"alg":{},"typ":"at+jwt","kid":"one"}'),
    "a key id that is a number": _with_header(b'{"alg":"EdDSA","typ":"at+jwt","kid":1}'),
    "a key id that is a list": _with_header(b'{"alg":"EdDSA","typ":"at+jwt","kid":["one"]}'),
    "a key id that is null": _with_header(b'{"alg":"EdDSA","typ":"at+jwt","kid":null}'),
    "a kind that is a list": _with_header(b'{"alg":"EdDSA","typ":["at+jwt"],"kid":"one"}'),
    "a header that is a list": _with_header(b"[]"),
    "a header too deep to read": _with_header(b'{"alg":' + b"[" * 4000),
    "an end beyond all numbers": lambda issuer: issuer.token(exp=float("inf")),
    "not a token": lambda _: "abc",
    "empty": lambda _: "",
}


@pytest.mark.parametrize("make", BAD.values(), ids=BAD.keys())
async def test_auth_1_what_does_not_hold_is_401(
    gateway: GatewayProcess, upstream: RawUpstream, issuer: Issuer, make: Callable[[Issuer], str]
):
    for target in ("/api/v1/private", "/api/v1/things"):  # on a public route too
        answer = await with_token(gateway, make(issuer), target)
        assert (answer.status, answer.code) == (401, "invalid_token")
        assert 'error="invalid_token"' in answer["www-authenticate"]
    assert upstream.seen == []


async def test_auth_1_an_es256_key_is_taken_and_no_key_for_another_algorithm_than_its_own(
    gateway: GatewayProcess, issuer: Issuer
):
    await asyncio.sleep(MIN_INTERVAL + 0.1)  # past the interval of an earlier fetch
    issuer.add("es", "ES256")
    try:
        assert (await with_token(gateway, issuer.token(kid="es"))).status == 200
        confused = (("one", "es", "ES256"), ("es", "one", "EdDSA"), ("one", "one", "ES256"), ("es", "es", "EdDSA"))
        for signer, named, algorithm in confused:
            # Signed as the key can, under a header that names another key or algorithm.
            header = orjson.dumps({"alg": algorithm, "typ": "at+jwt", "kid": named})
            signed = _base64url(header) + "." + issuer.token().split(".")[1]
            signature = get_default_algorithms()[issuer.algorithm(signer)].sign(signed.encode(), issuer.keys[signer])
            assert (await with_token(gateway, f"{signed}.{_base64url(signature)}")).status == 401
    finally:
        issuer.published.remove("es")


async def test_auth_7_a_cached_token_still_ends(gateway: GatewayProcess, issuer: Issuer):
    for lifetime in (2, 60):
        ends = int(time.time()) + lifetime
        token = issuer.token(exp=ends)
        first = (await with_token(gateway, token)).status
        # A machine that took longer than two seconds for one answer has cached nothing: it gets a minute.
        if first == 200:
            break
        assert time.time() >= ends
    assert first == 200
    await asyncio.sleep(max(0.0, ends + 0.1 - time.time()))
    assert (await with_token(gateway, token)).status == 401


async def test_an_ignored_route_leaves_the_credentials_to_the_service(gateway: GatewayProcess, upstream: RawUpstream):
    answer = await ask(gateway.port, "GET", "/plain/a", {"authorization": "Bearer ended"})
    assert answer.status == 200
    assert upstream.seen[0].get("authorization") == "Bearer ended"


async def test_two_credentials_are_400(gateway: GatewayProcess, issuer: Issuer):
    answer = await ask(
        gateway.port, "GET", "/api/v1/private", {"authorization": f"Bearer {issuer.token()}", "x-api-key": "k"}
    )
    assert (answer.status, answer.code) == (400, "ambiguous_credentials")


async def test_trap_12_a_new_key_is_fetched_once_for_all(
    gateway: GatewayProcess, upstream: RawUpstream, issuer: Issuer
):
    await asyncio.sleep(2.1)  # past the interval of an earlier fetch
    issuer.add("two")
    before = upstream.key_fetches
    tokens = [issuer.token(str(n), kid="two") for n in range(20)]
    answers = await asyncio.gather(*(with_token(gateway, token) for token in tokens))
    assert [answer.status for answer in answers] == [200] * 20
    assert upstream.key_fetches - before == 1


async def test_trap_12_made_up_keys_are_no_flood_at_the_issuer(gateway: GatewayProcess, upstream: RawUpstream):
    stranger = Issuer()
    before, began = upstream.key_fetches, time.monotonic()
    for n in range(30):
        stranger.add(f"made-up-{n}")
        answer = await with_token(gateway, stranger.token(kid=f"made-up-{n}"))
        assert (answer.status, answer.code) == (401, "invalid_token")
    assert upstream.key_fetches - before <= 1 + (time.monotonic() - began) // MIN_INTERVAL


async def test_trap_12_known_keys_are_kept_while_the_issuer_is_down(
    gateway: GatewayProcess, upstream: RawUpstream, issuer: Issuer
):
    upstream.issuer_down = True
    await asyncio.sleep(2.1)
    stranger = Issuer()
    stranger.add("elsewhere")
    assert (await with_token(gateway, stranger.token(kid="elsewhere"))).status == 401  # makes it fetch, and fail
    assert (await with_token(gateway, issuer.token("another"))).status == 200
    assert (await ask(gateway.port, "GET", "/health/ready")).status == 200


async def test_a_withdrawn_key_ends_and_its_verified_tokens_with_it(
    running_upstream: RawUpstream, valkey: Valkey, issuer: Issuer
):
    upstream = running_upstream
    gateway = GatewayProcess(upstream.port, valkey.port, JWKS_REFRESH_SECONDS="1")
    await asyncio.to_thread(gateway.start)
    try:
        issuer.add("stolen")
        issuer.add("replaced")
        await gateway.ready()
        tokens = [issuer.token(kid=kid, exp=int(time.time()) + 10**8) for kid in ("stolen", "replaced", "one")]
        assert [(await with_token(gateway, token)).status for token in tokens] == [200] * 3
        issuer.published.remove("stolen")
        issuer.keys["replaced"] = Ed25519PrivateKey.generate()
        async with asyncio.timeout(60):
            while (await with_token(gateway, tokens[0])).status != 401:
                await asyncio.sleep(0.05)
        assert [(await with_token(gateway, token)).status for token in tokens] == [401, 401, 200]
        # While the issuer is away nothing is withdrawn.
        upstream.issuer_down = True
        fetches = upstream.key_fetches
        async with asyncio.timeout(60):
            while upstream.key_fetches < fetches + 2:
                await asyncio.sleep(0.05)
        assert (await with_token(gateway, tokens[2])).status == 200
    finally:
        issuer.published = ["one"]
        await asyncio.to_thread(gateway.stop)


async def test_an_api_key_becomes_a_token(gateway: GatewayProcess, upstream: RawUpstream, issuer: Issuer):
    token = issuer.token("9")
    upstream.api_keys[api_key("good")] = token
    before = upstream.exchanges
    answers = await asyncio.gather(
        *(ask(gateway.port, "GET", "/api/v1/private", {"x-api-key": api_key("good")}) for _ in range(10))
    )
    assert [answer.status for answer in answers] == [200] * 10
    assert upstream.exchanges - before == 1
    assert upstream.seen[0].all("authorization") == [f"Bearer {token}"]
    assert upstream.seen[0].get("x-api-key") is None


async def test_a_wrong_api_key_is_401(gateway: GatewayProcess, upstream: RawUpstream):
    answer = await ask(gateway.port, "GET", "/api/v1/private", {"x-api-key": api_key("wrong")})
    assert (answer.status, answer.code) == (401, "invalid_token")
    assert upstream.seen == []


async def test_a_revoked_api_key_ends_within_five_seconds(
    gateway: GatewayProcess, upstream: RawUpstream, issuer: Issuer
):
    upstream.api_keys[api_key("short")] = issuer.token("9")
    assert (await ask(gateway.port, "GET", "/api/v1/private", {"x-api-key": api_key("short")})).status == 200
    del upstream.api_keys[api_key("short")]
    await asyncio.sleep(5.1)
    assert (await ask(gateway.port, "GET", "/api/v1/private", {"x-api-key": api_key("short")})).status == 401


@pytest.mark.parametrize(
    "key", ["x", "gh_1_x", "gh_0_" + "x" * 43, "gh_1_" + "x" * 44, "gh_1_" + "x" * 42 + "!", "gh_1_" + "x" * 9000]
)
async def test_what_cannot_be_a_key_is_refused_without_asking(gateway: GatewayProcess, upstream: RawUpstream, key: str):
    before = upstream.exchanges
    answer = await ask(gateway.port, "GET", "/api/v1/private", {"x-api-key": key})
    assert (answer.status, answer.code) == (401, "invalid_token")
    assert upstream.exchanges == before


async def test_unknown_keys_are_asked_about_so_often_by_one_address(
    own_gateway: GatewayProcess, upstream: RawUpstream, issuer: Issuer
):
    gateway = own_gateway
    good = [api_key(f"known-{n}") for n in range(30)]
    upstream.api_keys |= dict.fromkeys(good, issuer.token("9"))

    async def use(key: str) -> Answer:
        return await ask(gateway.port, "GET", "/api/v1/private", {"x-api-key": key})

    # Keys that hold cost nothing, however many they are.
    assert [(await use(key)).status for key in good] == [200] * 30
    before = upstream.exchanges
    repeated = await asyncio.gather(*(use(api_key("one")) for _ in range(10)))
    assert [answer.status for answer in repeated] == [401] * 10
    assert [(await use(api_key("one"))).status for _ in range(10)] == [401] * 10
    assert upstream.exchanges - before == 1
    answers = await asyncio.gather(*(use(api_key(f"made-up-{n}")) for n in range(60)))
    statuses = [answer.status for answer in answers]
    assert (statuses.count(401), statuses.count(429)) == (19, 41)
    assert upstream.exchanges - before == 20
    late = next(answer for answer in answers if answer.status == 429)
    assert late.code == "rate_limited"
    assert int(late["retry-after"]) > 0
    # What is known goes on, and so does whoever has a token.
    assert (await use(good[-1])).status == 200
    assert (await with_token(gateway, issuer.token())).status == 200


async def test_a_flood_of_keys_leaves_the_readiness_and_the_key_set_their_connections(
    own_gateway: GatewayProcess, upstream: RawUpstream, issuer: Issuer
):
    await asyncio.sleep(2.1)  # past the interval of the key set's last fetch
    release = upstream.exchanges_held = asyncio.Event()
    begun = upstream.exchanges
    held = [
        asyncio.create_task(ask(own_gateway.port, "GET", "/api/v1/private", {"x-api-key": api_key(f"slow-{n}")}))
        for n in range(15)
    ]
    issuer.add("meanwhile")
    try:
        await eventually(lambda: upstream.exchanges > begun)
        assert (await with_token(own_gateway, issuer.token(kid="meanwhile"))).status == 200
        ready = await ask(own_gateway.port, "GET", "/health/ready")
        assert ready.json()["checks"]["main"] == "healthy"
        assert not any(task.done() for task in held), "it waited until an exchange gave its connection back"
    finally:
        issuer.published.remove("meanwhile")
        upstream.exchanges_held = None
        release.set()
        await asyncio.gather(*held, return_exceptions=True)


async def test_keys_that_cannot_be_checked_are_503(gateway: GatewayProcess, upstream: RawUpstream):
    upstream.issuer_down = True
    answer = await ask(gateway.port, "GET", "/api/v1/private", {"x-api-key": api_key("unchecked")})
    assert (answer.status, answer.code) == (503, "identity_unavailable")
    assert answer["retry-after"]


async def test_an_issuer_that_does_not_know_the_gateway_says_nothing_of_the_key(
    gateway: GatewayProcess, upstream: RawUpstream
):
    upstream.gateway_known = False
    answer = await ask(gateway.port, "GET", "/api/v1/private", {"x-api-key": api_key("unasked")})
    assert (answer.status, answer.code) == (503, "identity_unavailable")


async def test_no_secret_is_logged(gateway: GatewayProcess, issuer: Issuer):
    token = issuer.token()
    await ask(
        gateway.port,
        "GET",
        f"/api/v1/things?access_token={token}&q=1&refresh_token=abcdef&api_key=topsecret&code=xyz",
        {"x-api-key": api_key("hidden-key")},
    )
    line = await gateway.logged(query="access_token=***&q=1&refresh_token=***&api_key=***&code=***")
    text = orjson.dumps(line).decode()
    for secret in (token, "abcdef", "topsecret", "hidden-key", "=xyz"):
        assert secret not in text


async def test_a_token_of_an_issuer_whose_clock_is_a_little_ahead_holds(gateway: GatewayProcess, issuer: Issuer):
    now = int(time.time())
    assert (await with_token(gateway, issuer.token(iat=now + 3, exp=now + 100_000))).status == 200
    assert (await with_token(gateway, issuer.token(iat=now + 90_000, exp=now + 100_000))).status == 401
    assert (await with_token(gateway, issuer.token(iat=now - 60, exp=now - 1))).status == 401
