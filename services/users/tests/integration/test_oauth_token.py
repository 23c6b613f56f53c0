"""POST /oauth/token: its form, its errors, and client_credentials (RFC 6749)."""

from base64 import b64encode

import httpx
import pytest

from users.domain.oauth_clients import ClientType, GrantType
from users.settings import UsersSettings

from .oauth_programs import TOKEN, Program, Programs
from .people import Account

GRANT = {"grant_type": "client_credentials"}


def wrong(answer: httpx.Response, status: int, error: str) -> bool:
    """Whether it is this error in the form of RFC 6749 section 5.2."""
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert set(answer.json()) == {"error", "error_description"}
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.text
    return True


async def test_a_client_gets_a_token_for_itself(program: Program, settings: UsersSettings):
    answer = await program.ask()
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert set(body) == {"access_token", "token_type", "expires_in", "scope"}
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 300, "users:read orders:read")
    claims = await program.claims()
    assert claims["sub"] == claims["client_id"] == program.client_id
    assert (claims["role"], claims["tier"], claims["aud"]) == ("service", "service", settings.tokens.audience)
    assert claims["exp"] - claims["iat"] == 300
    assert claims["sid"] == claims["jti"]


async def test_a_client_gets_the_scopes_it_asks_for(program: Program):
    assert (await program.ask(scope="orders:read")).json()["scope"] == "orders:read"
    assert (await program.claims(scope="orders:read"))["scope"] == "orders:read"


@pytest.mark.parametrize("scope", ["orders:write", "orders:read orders:write", "admin", "orders:read  users:read", "é"])
async def test_scopes_that_a_client_may_not_have(program: Program, scope: str):
    assert wrong(await program.ask(scope=scope), 400, "invalid_scope")


async def test_the_secret_may_stand_in_the_form(program: Program):
    form = {**GRANT, "client_id": program.client_id, "client_secret": program.secret}
    assert (await program.client.post(TOKEN, data=form)).status_code == 200


async def test_the_parts_of_the_header_are_form_encoded(program: Program):
    """RFC 6749 section 2.3.1."""
    spelled = "".join(f"%{letter:02X}" for letter in program.client_id.encode())
    encoded = b64encode(f"{spelled}:{program.secret}".encode()).decode()
    answer = await program.client.post(TOKEN, data=GRANT, headers={"Authorization": f"Basic {encoded}"})
    assert answer.status_code == 200


async def test_one_way_to_authenticate_at_a_time(program: Program):
    """RFC 6749 section 2.3."""
    assert wrong(await program.ask(client_secret=program.secret), 400, "invalid_request")
    assert wrong(await program.ask(client_id="client-other"), 400, "invalid_request")
    assert (await program.ask(client_id=program.client_id)).status_code == 200


@pytest.mark.parametrize(
    "authorization",
    ["Basic", "Basic !!!", "Basic " + b64encode(b"nocolon").decode(), "Basic " + b64encode(b"\xff:\xff").decode(),
     "Basic " + b64encode(b"a%00b:c").decode(), "Bearer x"],
)  # fmt: skip
async def test_a_header_that_does_not_parse(client: httpx.AsyncClient, authorization: str):
    answer = await client.post(TOKEN, data=GRANT, headers={"Authorization": authorization})
    assert wrong(answer, 401, "invalid_client")
    assert answer.headers["www-authenticate"].startswith("Basic ")


async def test_no_client_at_all(client: httpx.AsyncClient):
    assert wrong(await client.post(TOKEN, data=GRANT), 401, "invalid_client")


async def test_an_unknown_client_and_a_wrong_secret_look_alike(client: httpx.AsyncClient, program: Program):
    unknown = await client.post(TOKEN, data=GRANT, auth=httpx.BasicAuth("client-nobody", program.secret))
    guessed = await client.post(TOKEN, data=GRANT, auth=httpx.BasicAuth(program.client_id, program.secret[:-1]))
    missing = await client.post(TOKEN, data={**GRANT, "client_id": program.client_id})
    assert wrong(unknown, 401, "invalid_client")
    assert unknown.json() == guessed.json() == missing.json()
    assert unknown.headers["www-authenticate"] == guessed.headers["www-authenticate"]


@pytest.mark.parametrize("grant", ["password", "implicit", "urn:ietf:params:oauth:grant-type:jwt-bearer", "x" * 999])
async def test_ways_that_are_not_offered(program: Program, grant: str):
    assert wrong(await program.ask(grant_type=grant), 400, "unsupported_grant_type")


async def test_a_password_is_never_taken(client: httpx.AsyncClient, program: Program, account: Account):
    """RFC 9700 section 2.4, TRAPS.md Auth 2."""
    form = {"grant_type": "password", "username": account.email, "password": "Correct-Horse-7"}
    assert wrong(await client.post(TOKEN, data=form), 400, "unsupported_grant_type")
    assert wrong(await program.ask(**form), 400, "unsupported_grant_type")


async def test_a_grant_that_the_client_has_not(programs: Programs):
    other = await programs.make(
        grants=[GrantType.AUTHORIZATION_CODE], redirect_uris=["https://app.example/back"], scopes=["users:read"]
    )
    assert wrong(await other.ask(), 400, "unauthorized_client")


async def test_a_public_client_gets_no_token_for_itself(client: httpx.AsyncClient, programs: Programs):
    """RFC 6749 section 4.4: confidential clients only."""
    public = await programs.make(kind=ClientType.PUBLIC)
    form = {**GRANT, "client_id": public.client_id}
    assert wrong(await client.post(TOKEN, data={**form, "client_secret": "guess"}), 401, "invalid_client")
    assert wrong(await client.post(TOKEN, data=form), 400, "unauthorized_client")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"grant_type=client_credentials&grant_type=client_credentials", 400),
        (b"grant_type=client_credentials&unknown=1&unknown=2", 400),
        (b"", 400),
        (b"grant_type=", 400),
        (b"scope=orders:read", 400),
        (b"grant_type=client_credentials&scope=%00", 400),
        (b"grant_type=client_credentials&scope=%ff", 400),
        (b"grant_type=client_credentials&scope=\xc3\xa9", 400),
        (b"&".join(b"a%d=1" % number for number in range(200)), 400),
        (b"grant_type=" + b"a" * 70_000, 413),
    ],
)
async def test_a_form_that_is_not_right(program: Program, body: bytes, status: int):
    """RFC 6749 section 3.2: each parameter once; one without a value is as if it were not there."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await program.client.post(TOKEN, content=body, headers=headers, auth=program.basic)
    assert wrong(answer, status, "invalid_request")


async def test_what_is_no_form(program: Program):
    answer = await program.client.post(TOKEN, json=GRANT, auth=program.basic)
    assert wrong(answer, 415, "invalid_request")


async def test_parameters_of_the_address_do_not_count(program: Program):
    answer = await program.client.post(TOKEN, params=GRANT, data={"scope": "orders:read"}, auth=program.basic)
    assert wrong(answer, 400, "invalid_request")


async def test_a_parameter_that_is_not_known_is_ignored(program: Program):
    assert (await program.ask(colour="blue")).status_code == 200


async def test_guessing_a_secret_is_slowed_and_shuts_nobody_out(client: httpx.AsyncClient, programs: Programs):
    """TRAPS.md Auth 4, for clients."""
    program = await programs.make()
    guesser = {"X-Forwarded-For": "203.0.113.9"}
    guess = httpx.BasicAuth(program.client_id, "ghs_guess")
    for _ in range(5):
        assert wrong(await client.post(TOKEN, data=GRANT, auth=guess, headers=guesser), 401, "invalid_client")
    blocked = await client.post(TOKEN, data=GRANT, auth=program.basic, headers=guesser)
    assert wrong(blocked, 429, "temporarily_unavailable")
    assert 0 < int(blocked.headers["retry-after"]) <= 900
    assert (await program.ask()).status_code == 200


async def test_when_a_secret_was_last_used_is_kept(program: Program, programs: Programs):
    await program.token()
    async with programs.database.acquire() as connection:
        used = "SELECT last_used_at IS NOT NULL FROM oauth_client_secrets WHERE client_id = $1"
        assert await connection.fetchval(used, program.client_id) is True


async def test_a_program_has_no_account(programs: Programs, account: Account):
    program = await programs.make(["users:read", "users:write"])
    headers = {"Authorization": f"Bearer {await program.token()}"}
    asked = [
        await program.client.get("/api/v1/users/me", headers=headers),
        await program.client.get(f"/api/v1/users/{account.id}", headers=headers),
        await program.client.delete(f"/api/v1/users/{account.id}", headers=headers),
        await program.client.post("/api/v1/users/me/api-keys", headers=headers, json={"name": "script"}),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in asked] == [(403, "forbidden")] * 4
    assert (await program.client.post("/api/v1/auth/logout", headers=headers)).status_code == 204
