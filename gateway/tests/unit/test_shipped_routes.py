"""The routes file that is shipped covers the contract, and what the services say of themselves."""

import json
import re
from pathlib import Path

import pytest

from gateway.problem import Refusal
from gateway.routes.load import DEFAULT_FILE, load_routes
from gateway.routes.match import match
from gateway.routes.table import Route, RouteTable

CONTRACT = """
POST /users users optional
GET /users users required
GET /users/7 users required
GET /users/me users required
PUT /users/7 users required
PATCH /users/7 users required
DELETE /users/7 users required
GET /users/7/orders orders required
POST /auth/login users ignored
POST /auth/refresh users ignored
POST /auth/logout users ignored
POST /oauth/token users ignored
GET /oauth/authorize users ignored
POST /oauth/authorize/login users ignored
POST /oauth/authorize/consent users ignored
POST /oauth/revoke users ignored
POST /oauth/introspect users ignored
GET /users/me/api-keys users required
POST /users/me/api-keys users required
DELETE /users/me/api-keys/7 users required
GET /users/me/sessions users required
DELETE /users/me/sessions/7 users required
GET /products orders optional
GET /products/7 orders optional
POST /products orders required
POST /products/imports orders required
PUT /products/7 orders required
PATCH /products/7 orders required
DELETE /products/7 orders required
POST /orders orders required
GET /orders orders required
GET /orders/7 orders required
PATCH /orders/7 orders required
POST /orders/7/payments orders required
POST /reports reports required
GET /reports reports required
GET /reports/7 reports required
GET /reports/7/events reports required
GET /reports/7/content reports required
DELETE /reports/7 reports required
"""
SERVICES = Path(__file__).parents[3] / "services"


@pytest.fixture(scope="module")
def table() -> RouteTable:
    return RouteTable(load_routes(DEFAULT_FILE, {}))


def route(table: RouteTable, method: str, path: str) -> Route:
    return match(table, method.upper().encode(), path.encode(), b"", None).route


@pytest.mark.parametrize("row", CONTRACT.strip().splitlines())
def test_every_row_of_the_contract_in_both_versions(table: RouteTable, row: str):
    method, path, upstream, identity = row.split()
    for version in (1, 2):
        found = route(table, method, f"/api/v{version}{path}")
        assert (found.upstream, found.identity, found.version) == (upstream, identity, version)
        assert found.limits


@pytest.mark.parametrize("service", sorted(path.parent.name for path in SERVICES.glob("*/openapi.json")))
def test_every_operation_of_a_service_is_routed_to_it_and_asks_no_less(table: RouteTable, service: str):
    document = json.loads((SERVICES / service / "openapi.json").read_text())
    operations = [
        (method, path, operation) for path, item in document["paths"].items() for method, operation in item.items()
    ]
    assert operations
    for method, path, operation in operations:
        found = route(table, method, re.sub(r"\{[^}]*\}", "7", path))
        assert found.upstream == service, path
        # What a client of OAuth authenticates with is the service's to check.
        secured = [scheme for scheme in operation.get("security", ()) if "bearer" in scheme]
        assert bool(secured) == (found.identity == "required"), path
        if secured:
            assert found.scopes == set(secured[0]["bearer"]), path
        assert bool(operation.get("deprecated")) == (found.sunset is not None), path


def test_what_is_the_services_own_is_not_routed(table: RouteTable):
    for path in ("/internal/api-keys/exchange", "/health/ready", "/metrics", "/openapi.json", "/api/v1/internal"):
        with pytest.raises(Refusal) as caught:
            route(table, "POST", path)
        assert caught.value.status == 404


def test_login_refresh_and_registration_have_a_limit_of_their_own(table: RouteTable):
    for path in ("/api/v1/auth/login", "/api/v1/auth/refresh"):
        assert route(table, "POST", path).limits == ("default", "login")
    assert route(table, "POST", "/api/v1/users").limits == ("default", "registration")


def test_the_tiers_are_the_contracts(table: RouteTable):
    policy = table.model.limits["default"]
    figures = {name: (quota.quota, quota.window) for name, quota in policy.tiers.items()}
    assert (policy.anonymous.quota, policy.anonymous.window) == (60, 60)
    assert (figures["free"], figures["pro"]) == ((100, 3600), (10_000, 3600))
    assert figures["admin"][0] > 10_000
