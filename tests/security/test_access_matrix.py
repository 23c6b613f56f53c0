"""OWASP API1, API3, API5: every route for every kind of caller, as the table says and not otherwise."""

import asyncio
from typing import Any

import httpx
import pytest
from access_matrix import VERSIONS, Row, rows, unversioned
from belongings import Owner, newcomer
from e2e_system import Person
from programs import Program
from right_bodies import BODIES
from signing import OwnKey, claims_of

METHODS = {"get", "put", "post", "patch", "delete"}
ROWS = rows()
AREAS = ("users:read", "orders:read", "reports:read")
OF_PEOPLE = [f"{area}:{right}" for area in ("users", "orders", "reports") for right in ("read", "write")]
OF_THE_GATEWAY = ["keys:exchange", "tokens:introspect"]


def operations(document: dict[str, Any]) -> dict[str, list[str]]:
    """The scopes that each route of the document asks for, by its name in the table."""
    found: dict[str, list[str]] = {}
    for path, item in document["paths"].items():
        for method in METHODS & item.keys():
            security = item[method].get("security", [{}])
            scopes = [scope for way in security for scope in way.get("bearer", [])]
            found[f"{method.upper()} {unversioned(path)}"] = scopes
    return found


def test_each_route_of_the_document_has_its_row_and_each_row_its_route(document: dict[str, Any]):
    assert {row.name for row in ROWS} == set(operations(document))
    assert len({row.name for row in ROWS}) == len(ROWS)


@pytest.fixture(scope="session")
def keys(owner: Owner) -> dict[str, str]:
    """The owner's API keys, each with one scope, by the area."""
    made = (owner._post("/users/me/api-keys", {"name": scope, "scopes": [scope]}) for scope in AREAS)
    return {key["scopes"][0]: key["key"] for key in made}


@pytest.fixture(scope="session")
def programs(client: httpx.Client, boss: Person) -> dict[str, Program]:
    """Programs of somebody else's with tokens of their own (client_credentials), by the column of the table."""
    return {"prog": Program(client, boss, *OF_PEOPLE), "inner": Program(client, boss, *OF_THE_GATEWAY)}


@pytest.fixture
def callers(
    document: dict[str, Any], keys: dict[str, str], stranger: Person, key: OwnKey, programs: dict[str, Program]
) -> Any:
    """The headers of each kind of caller of a row, on the objects of an owner."""
    needed = operations(document)
    of_programs = {column: program.token() for column, program in programs.items()}

    def of(row: Row, whose: Owner) -> dict[str, dict[str, str]]:
        scopes = needed[row.name]
        claims = claims_of(whose.person.token)
        kept = " ".join(sorted(set(claims["scope"].split()) - set(scopes))) if scopes else ""
        other_area = next(area for area in AREAS if area.split(":")[0] not in {scope.split(":")[0] for scope in scopes})
        return {
            "none": {},
            "own": whose.person.headers,
            "other": stranger.headers,
            "admin": whose.boss.headers,
            "scope": {"Authorization": f"Bearer {key.sign({**claims, 'scope': kept})}"},
            "key": {"X-API-Key": keys[other_area]},
            **of_programs,
        }

    return of


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_a_route_answers_each_caller_as_the_table_says(row: Row, owner: Owner, callers: Any, asking: Any):
    def prepared(version: str, column: str, whose: Owner) -> tuple[str, str, str, dict[str, Any]]:
        path = whose.path(row.path)
        options = BODIES[row.name](whose) if row.name in BODIES else {}
        options["headers"] = {**options.get("headers", {}), **callers(row, whose)[column]}
        return version, column, path, options

    async def ask(version: str, column: str, path: str, options: dict[str, Any]) -> tuple[str, str, int]:
        prefix = "" if path.startswith(("/.", "/account/")) else version
        answer: httpx.Response = await asking.request(row.method, prefix + path, **options)
        if answer.status_code == 403:
            expected = "insufficient_scope" if column in ("scope", "key", "inner") else "forbidden"
            assert answer.json()["code"] == expected, (column, answer.text)
        if answer.status_code == 401:
            scheme = "Basic" if path in ("/oauth/token", "/oauth/revoke", "/oauth/introspect") else "Bearer"
            assert answer.headers["www-authenticate"].startswith(scheme)
        return version, column, answer.status_code

    def target(column: str) -> Owner:
        # Who is let in and changes things gets an object of their own; the refused all aim at the same.
        alone = row.changes and row.expected[column] < 300
        return newcomer(owner.client, owner.boss, owner.receiver) if alone else owner

    refused = {column for column, status in row.expected.items() if status >= 400}
    # All of it before the first is asked: making what is aimed at blocks, and an answer would wait for it.
    calls = [prepared(VERSIONS[0], column, target(column)) for column in row.expected]
    calls += [prepared(VERSIONS[1], column, owner) for column in row.expected if column in refused or not row.changes]
    found = await asyncio.gather(*(ask(*call) for call in calls))
    wrong = [answer for answer in found if answer[2] != row.expected[answer[1]]]
    assert not wrong, f"{row.name}: (version, caller, status) is {wrong}, the table says {row.expected}"
