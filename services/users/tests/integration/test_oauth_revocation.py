"""POST /oauth/revoke (RFC 7009) and POST /oauth/introspect (RFC 7662)."""

import httpx
import jwt
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from shared.identity.revocations import REVOKED_STREAM
from shared.testing.waiting import eventually
from users.domain.oauth_clients import ClientType, GrantType

from .oauth_programs import Program, Programs
from .oauth_visiting import App, Apps, Visitor
from .people import Account, Accounts

REVOKE = "/api/v1/oauth/revoke"
INTROSPECT = "/api/v1/oauth/introspect"


@pytest_asyncio.fixture
async def asker(programs: Programs) -> Program:
    """A program that may ask about tokens."""
    return await programs.make(["tokens:introspect"])


async def revoke(program: Program, token: str, **form: str) -> httpx.Response:
    return await program.client.post(REVOKE, data={"token": token, **form}, auth=program.basic)


async def introspect(program: Program, token: str, **form: str) -> httpx.Response:
    return await program.client.post(INTROSPECT, data={"token": token, **form}, auth=program.basic)


async def end(client: httpx.AsyncClient, app: App, token: str) -> httpx.Response:
    """Revoke, as a client that acts for people."""
    if app.secret is None:
        return await client.post(REVOKE, data={"token": token, "client_id": app.client_id})
    return await client.post(REVOKE, data={"token": token}, auth=(app.client_id, app.secret))


async def test_a_token_says_what_it_is(asker: Program, program: Program):
    token = await program.token(scope="orders:read")
    claims = jwt.decode(token, options={"verify_signature": False})
    answer = await introspect(asker, token)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert answer.json() == {"active": True, "token_type": "Bearer", **claims}
    assert (await introspect(asker, token, token_type_hint="refresh_token")).json()["active"] is True


async def test_a_persons_token(asker: Program, account: Account, client: httpx.AsyncClient):
    body = (await introspect(asker, account.tokens["access_token"])).json()
    assert (body["active"], body["sub"], body["client_id"]) == (True, str(account.id), "gatehouse")
    await client.post("/api/v1/auth/logout", headers=account.headers)
    assert (await introspect(asker, account.tokens["access_token"])).json() == {"active": False}


async def test_a_disabled_users_token(asker: Program, account: Account, accounts: Accounts):
    await accounts.execute("UPDATE users SET disabled_at = now() WHERE id = $1", account.id)
    assert (await introspect(asker, account.tokens["access_token"])).json() == {"active": False}


@pytest.mark.parametrize("token", ["nonsense", "a.b.c", "ghr_" + "a" * 43, "é", "x" * 9000])
async def test_of_what_is_no_token_nothing_is_said(asker: Program, token: str):
    answer = await introspect(asker, token)
    assert (answer.status_code, answer.json()) == (200, {"active": False})


async def test_who_may_ask(program: Program, programs: Programs, client: httpx.AsyncClient):
    token = await program.token()
    refused = await introspect(program, token)
    assert (refused.status_code, refused.json()["error"]) == (403, "unauthorized_client")
    public = await programs.make(
        ["tokens:introspect"],
        kind=ClientType.PUBLIC,
        grants=[GrantType.AUTHORIZATION_CODE],
        redirect_uris=["https://a"],
    )
    answer = await client.post(INTROSPECT, data={"token": token, "client_id": public.client_id})
    assert (answer.status_code, answer.json()["error"]) == (403, "unauthorized_client")
    assert (await client.post(INTROSPECT, data={"token": token})).status_code == 401


async def test_a_client_ends_its_token_everywhere(asker: Program, program: Program, redis: Redis):
    token, other = await program.token(), await program.token()
    answer = await revoke(program, token, token_type_hint="access_token")
    assert (answer.status_code, answer.content) == (200, b"")
    assert (await introspect(asker, token)).json() == {"active": False}
    assert (await introspect(asker, other)).json()["active"] is True
    token_id = jwt.decode(token, options={"verify_signature": False})["jti"].encode()

    async def told() -> bool:
        entries = await redis.xrange(REVOKED_STREAM)
        return any(fields.get(b"session") == token_id for _, fields in entries)

    await eventually(told)
    assert (await revoke(program, token)).status_code == 200


async def test_a_token_that_is_not_known_is_no_error(program: Program):
    """RFC 7009 section 2.2."""
    for token in ("nonsense", "ghr_" + "a" * 43):
        assert (await revoke(program, token)).status_code == 200


async def test_anothers_token_goes_on(asker: Program, program: Program, account: Account):
    token = await program.token()
    for foreign in (token, account.tokens["access_token"]):
        refused = await revoke(asker, foreign)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
        assert (await introspect(asker, foreign)).json()["active"] is True


async def test_a_refresh_token_ends_with_all_that_the_person_allowed(
    asker: Program, app: App, apps: Apps, account: Account, visitor: Visitor
):
    client = asker.client
    code = await visitor.let_in(app, account.email)
    tokens = (await app.spend(client, code)).json()
    said = (await introspect(asker, tokens["refresh_token"])).json()
    assert (said["active"], said["client_id"], said["sub"]) == (True, app.client_id, str(account.id))
    assert said["scope"] == tokens["scope"]
    other = await apps.make()
    assert (await end(client, other, tokens["refresh_token"])).status_code == 200
    assert (await end(client, other, tokens["access_token"])).json()["error"] == "invalid_grant"
    assert (await introspect(asker, tokens["refresh_token"])).json()["active"] is True
    assert (await end(client, app, tokens["refresh_token"])).status_code == 200
    for token in (tokens["refresh_token"], tokens["access_token"]):
        assert (await introspect(asker, token)).json() == {"active": False}
    assert (await app.refresh(client, tokens["refresh_token"])).json()["error"] == "invalid_grant"


async def test_an_access_token_ends_with_its_refresh_token(
    client: httpx.AsyncClient, app: App, account: Account, visitor: Visitor
):
    """RFC 7009 section 2.1."""
    tokens = (await app.spend(client, await visitor.let_in(app, account.email))).json()
    assert (await end(client, app, tokens["access_token"])).status_code == 200
    assert (await app.refresh(client, tokens["refresh_token"])).json()["error"] == "invalid_grant"


async def test_a_spent_refresh_token_says_nothing(
    client: httpx.AsyncClient, asker: Program, app: App, account: Account, visitor: Visitor
):
    tokens = (await app.spend(client, await visitor.let_in(app, account.email))).json()
    assert (await app.refresh(client, tokens["refresh_token"])).status_code == 200
    assert (await introspect(asker, tokens["refresh_token"])).json() == {"active": False}
    assert (await introspect(asker, account.tokens["refresh_token"])).json() == {"active": False}


@pytest.mark.parametrize("path", [REVOKE, INTROSPECT])
async def test_the_token_must_be_there_and_the_client_known(client: httpx.AsyncClient, asker: Program, path: str):
    missing = await client.post(path, data={"token_type_hint": "access_token"}, auth=asker.basic)
    assert (missing.status_code, missing.json()["error"]) == (400, "invalid_request")
    unknown = await client.post(path, data={"token": "x"}, auth=httpx.BasicAuth(asker.client_id, "ghs_guess"))
    assert (unknown.status_code, unknown.json()["error"]) == (401, "invalid_client")
    assert unknown.headers["www-authenticate"].startswith("Basic ")


async def test_a_client_that_is_gone_has_no_token(asker: Program, program: Program, accounts: Accounts):
    token = await program.token()
    await accounts.execute("DELETE FROM oauth_clients WHERE client_id = $1", program.client_id)
    assert (await introspect(asker, token)).json() == {"active": False}


async def test_the_metadata_is_true(client: httpx.AsyncClient, program: Program):
    """RFC 8414: each endpoint is there, and each way it names is taken."""
    answer = await client.get("/.well-known/oauth-authorization-server")
    assert answer.headers["cache-control"] == "public, max-age=300"
    found = answer.json()
    for name in ("token", "revocation", "introspection"):
        path = found[f"{name}_endpoint"].removeprefix(found["issuer"])
        assert (await client.post(path, data={"a": "b"})).status_code in (400, 401)
    assert (await client.get(found["jwks_uri"].removeprefix(found["issuer"]))).status_code == 200
    for grant in found["grant_types_supported"]:
        refused = (await program.ask(grant_type=grant, scope="orders:burn")).json()["error"]
        assert refused != "unsupported_grant_type"
    assert ("authorization_endpoint" in found) == ("authorization_code" in found["grant_types_supported"])
    again = await client.get(
        "/.well-known/oauth-authorization-server", headers={"If-None-Match": answer.headers["etag"]}
    )
    assert again.status_code == 304
