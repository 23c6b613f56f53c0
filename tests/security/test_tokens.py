"""RFC 8725, 9068, 6750: what is no access token of ours opens nothing, through the gateway and at each service.

A token is tried at all three services: each verifies again what the gateway let through.
"""

import secrets
import time
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest
from belongings import Owner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from e2e_system import Person, System, eventually, register, sign_in
from signing import OwnKey, by_hand, claims_of

from shared.testing.waiting import PATIENCE_SECONDS

PATHS = ("/api/v1/users/me", "/api/v1/orders", "/api/v1/reports")
Forge = Callable[[OwnKey, dict[str, Any]], str]


def header_of(key: OwnKey, **changed: Any) -> dict[str, Any]:
    return {"typ": "at+jwt", "kid": key.kid, "alg": key.algorithm, **changed}


def without(claims: dict[str, Any], name: str) -> dict[str, Any]:
    return {known: value for known, value in claims.items() if known != name}


def with_hmac(key: OwnKey, claims: dict[str, Any], algorithm: str) -> str:
    """Signed with the public key as the secret of an HMAC, by a library that does not refuse to."""
    unsigned = by_hand(header_of(key, alg=algorithm), claims).rpartition(".")[0]
    signer = jwt.get_algorithm_by_name(algorithm)
    signature = signer.sign(unsigned.encode(), key.public_pem)
    return f"{unsigned}.{jwt.utils.base64url_encode(signature).decode()}"


def attackers(key: OwnKey, claims: dict[str, Any], **headers: Any) -> str:
    """Signed with a key of the attacker's own, which the header praises."""
    own = Ed25519PrivateKey.generate()
    jwk = jwt.algorithms.OKPAlgorithm.to_jwk(own.public_key(), as_dict=True)
    names = {"jwk": jwk, "kid": key.kid} | headers
    return jwt.encode(claims, own, "EdDSA", {"typ": "at+jwt", **names})


FORGED: dict[str, Forge] = {
    "alg none": lambda key, claims: by_hand(header_of(key, alg="none"), claims),
    "alg None in capitals": lambda key, claims: by_hand(header_of(key, alg="NoNe"), claims),
    "alg none with a signature": lambda key, claims: by_hand(header_of(key, alg="none"), claims, b"x" * 64),
    "no alg": lambda key, claims: by_hand(without(header_of(key), "alg"), claims, b"x" * 64),
    "alg as a list": lambda key, claims: by_hand(header_of(key, alg=[key.algorithm]), claims, b"x" * 64),
    "an empty signature": lambda key, claims: by_hand(header_of(key), claims),
    "HS256 with the public key": lambda key, claims: with_hmac(key, claims, "HS256"),
    "HS512 with the public key": lambda key, claims: with_hmac(key, claims, "HS512"),
    "another's key under our kid": attackers,
    "another's key by jwk": lambda key, claims: attackers(key, claims, kid="theirs"),
    "another's key by jku": lambda key, claims: attackers(key, claims, jku="https://attacker.example/jwks.json"),
    "another's key by x5u": lambda key, claims: attackers(key, claims, x5u="https://attacker.example/cert.pem"),
    "kid of a path": lambda key, claims: attackers(key, claims, kid="../../../../dev/null"),
    "kid of SQL": lambda key, claims: attackers(key, claims, kid="' OR 1=1 --"),
    "kid missing": lambda key, claims: by_hand(without(header_of(key), "kid"), claims, b"x" * 64),
    "kid a number": lambda key, claims: by_hand(header_of(key, kid=1), claims, b"x" * 64),
    "typ JWT": lambda key, claims: key.sign(claims, typ="JWT"),
    "typ id token": lambda key, claims: key.sign(claims, typ="id+jwt"),
    "typ logout token": lambda key, claims: key.sign(claims, typ="logout+jwt"),
    "typ a number": lambda key, claims: by_hand(header_of(key, typ=1), claims, b"x" * 64),
    "critical header": lambda key, claims: key.sign(claims, crit=["b64x"], b64x=True),
    "iss of another": lambda key, claims: key.sign({**claims, "iss": "https://attacker.example"}),
    "iss missing": lambda key, claims: key.sign(without(claims, "iss")),
    "aud of another": lambda key, claims: key.sign({**claims, "aud": "bank"}),
    "aud missing": lambda key, claims: key.sign(without(claims, "aud")),
    "exp past": lambda key, claims: key.sign({**claims, "exp": int(time.time()) - 60}),
    "exp missing": lambda key, claims: key.sign(without(claims, "exp")),
    "exp a text": lambda key, claims: key.sign({**claims, "exp": "never"}),
    "nbf in the future": lambda key, claims: key.sign({**claims, "nbf": int(time.time()) + 600}),
    "iat in the future": lambda key, claims: key.sign({**claims, "iat": int(time.time()) + 600}),
    "iat missing": lambda key, claims: key.sign(without(claims, "iat")),
    "sub missing": lambda key, claims: key.sign(without(claims, "sub")),
    "claims a list": lambda key, _: by_hand(header_of(key), [], b"x" * 64),  # pyright: ignore[reportArgumentType]
    "oversized": lambda key, claims: key.sign({**claims, "x": "a" * 20_000}),
    "deeply nested header": lambda _key, _claims: jwt.utils.base64url_encode(b"[" * 5_000).decode() + ".e30.AA",
}


@pytest.mark.parametrize("attack", FORGED)
async def test_auth_1_a_forged_token_opens_nothing(
    attack: str, key: OwnKey, stranger: Person, asking: httpx.AsyncClient
):
    token = FORGED[attack](key, claims_of(stranger.token))
    for path in PATHS:
        answer = await asking.get(path, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401, (path, answer.text)
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]
        assert "application/problem+json" in answer.headers["content-type"]


@pytest.mark.parametrize("attack", [attack for attack in FORGED if attack != "oversized"])
async def test_auth_1_a_service_alone_refuses_a_forged_token_too(
    attack: str, key: OwnKey, system: System, owner: Owner
):
    """Past the gateway, as one who is inside the network would; a token's length is the gateway's to bound."""
    token = FORGED[attack](key, claims_of(owner.person.token))
    async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE_SECONDS) as inside:
        for service, path in zip(("USERS_PORT", "ORDERS_PORT", "REPORTS_PORT"), PATHS, strict=True):
            url = f"http://127.0.0.1:{system.environment[service]}{path}"
            answer = await inside.get(url, headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code in (401, 431), (service, answer.status_code, answer.text)


def test_a_header_of_odd_types_is_no_fault_of_ours_where_the_service_alone_looks(client: httpx.Client):
    """The gateway leaves the token of a logout to the service, which once answered 500 to a `typ` that is a number."""
    for header in ({"typ": 1}, {"typ": ["at+jwt"]}, {"typ": "at+jwt", "alg": {}}, {"typ": "at+jwt", "kid": []}, []):
        token = by_hand(header, {})  # pyright: ignore[reportArgumentType]
        answer = client.post("/api/v1/auth/logout", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401, (header, answer.text)


async def test_the_control_a_token_signed_the_same_way_and_right_opens(
    key: OwnKey, stranger: Person, asking: httpx.AsyncClient
):
    for header in ("Bearer", "bearer", "BEARER"):
        token = key.sign(claims_of(stranger.token), jku="https://attacker.example/jwks.json")
        for path in PATHS:
            assert (await asking.get(path, headers={"Authorization": f"{header} {token}"})).status_code == 200


def test_a_role_that_the_token_claims_is_not_the_accounts(client: httpx.Client, key: OwnKey, stranger: Person):
    """A key of ours that was stolen is the end of it; a claim alone, at the service that knows the account, is not."""
    claims = claims_of(stranger.token)
    token = key.sign({**claims, "role": "admin", "scope": f"{claims['scope']} admin"})
    answer = client.get("/api/v1/users", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 403


def test_one_kind_of_token_is_never_taken_for_another(client: httpx.Client, owner: Owner):
    person = register(client)
    made = client.post(
        "/api/v1/users/me/api-keys", json={"name": "confused", "scopes": ["users:read"]}, headers=person.headers
    )
    api_key = made.json()["key"]
    secret = client.post("/api/v1/webhooks", json={"url": owner.receiver.url}, headers=person.headers).json()["secret"]
    for wrong in (person.refresh_token, api_key, secret):
        assert client.get("/api/v1/users/me", headers={"Authorization": f"Bearer {wrong}"}).status_code == 401
    for wrong in (person.token, person.refresh_token, secret):
        assert client.get("/api/v1/users/me", headers={"X-API-Key": wrong}).status_code == 401
    for wrong in (person.token, api_key, secret):
        assert client.post("/api/v1/auth/refresh", json={"refresh_token": wrong}).status_code in (401, 422)


def test_a_token_is_taken_from_the_header_alone(client: httpx.Client, stranger: Person):
    for name in ("access_token", "token", "authorization", "api_key", "X-API-Key"):
        assert client.get("/api/v1/orders", params={name: stranger.token}).status_code == 401
        assert client.get("/api/v1/orders", headers={"Cookie": f"{name}={stranger.token}"}).status_code == 401
    form = {"access_token": stranger.token}
    assert client.post("/api/v1/orders", data=form).status_code == 401


@pytest.mark.parametrize("scheme", ["Basic", "Token", "JWT", "Bearer:", "Bearer\t", "Bearer,", ""])
def test_another_scheme_is_not_taken(client: httpx.Client, stranger: Person, scheme: str):
    answer = client.get("/api/v1/orders", headers={"Authorization": f"{scheme} {stranger.token}".strip()})
    assert answer.status_code in (400, 401)


def test_two_authorization_headers_are_refused(client: httpx.Client, stranger: Person, boss: Person):
    twice = [("Authorization", f"Bearer {stranger.token}"), ("Authorization", f"Bearer {boss.token}")]
    assert client.get("/api/v1/orders", headers=twice).status_code == 400
    joined = {"Authorization": f"Bearer {stranger.token}, Bearer {boss.token}"}
    assert client.get("/api/v1/orders", headers=joined).status_code == 401
    both = {**stranger.headers, "X-API-Key": "gh_1_" + "a" * 43}
    assert client.get("/api/v1/orders", headers=both).status_code == 400


def test_auth_3_a_session_that_ended_takes_its_access_tokens_along_everywhere(client: httpx.Client):
    person = register(client)
    before = {path: client.get(path, headers=person.headers).status_code for path in PATHS}
    assert set(before.values()) == {200}
    assert client.delete("/api/v1/users/me/sessions", headers=person.headers).status_code == 204

    def ended() -> bool:
        return all(client.get(path, headers=person.headers).status_code == 401 for path in PATHS)

    eventually(ended, what="the end of a token whose session ended")


def test_a_login_fixes_no_session(client: httpx.Client):
    """Each login is a session of its own, and what a client brings along names none."""
    person = register(client)
    chosen = {"Cookie": "session=chosen; sid=1", **person.headers}
    body = {"email": person.email, "password": person.password, "session_id": 1, "refresh_token": "chosen"}
    answer = client.post("/api/v1/auth/login", json=body, headers=chosen)
    assert answer.status_code == 200
    assert answer.json()["refresh_token"] not in (person.refresh_token, "chosen")
    # It signs nobody in: it says that this browser has logged in before, and is the server's own.
    assert set(answer.cookies) == {"gatehouse_device"}
    assert "chosen" not in answer.headers["set-cookie"]
    sids = {claims_of(token)["sid"] for token in (person.token, answer.json()["access_token"])}
    assert len(sids) == 2
    again = sign_in(client, person.email, person.password)
    assert claims_of(again["access_token"])["jti"] != claims_of(person.token)["jti"]


def test_a_guessed_key_or_refresh_token_is_like_any_other(client: httpx.Client):
    answers = [
        client.post("/api/v1/auth/refresh", json={"refresh_token": guess})
        for guess in (secrets.token_urlsafe(32), "a", "%00", "' OR 1=1 --")
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.json()["code"] for answer in answers}) == 1
