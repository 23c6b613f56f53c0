"""The client follows the API: every operation has a method, and what is made is made of the documents as they are."""

import copy
import re
from pathlib import Path
from typing import Any

import pytest

from client_generator.documents import Drift, operations, read_documents, read_table, resources
from client_generator.modules import modules
from gatehouse_client import AsyncGatehouse, Gatehouse
from gateway.control.openapi_merge import merge
from gateway.routes.load import load_routes
from gateway.routes.table import RouteTable

ROOT = Path(__file__).parents[4]


@pytest.fixture(scope="module")
def documents() -> dict[str, dict[str, Any]]:
    return read_documents()


def test_what_is_made_is_in_the_tree(documents: dict[str, dict[str, Any]]):
    assert [path.name for path, text in modules(documents).items() if path.read_text() != text] == []


def test_an_operation_without_a_method_is_drift(documents: dict[str, dict[str, Any]]):
    changed = copy.deepcopy(documents)
    changed["orders"]["paths"]["/api/v1/carts"] = {"get": {"operationId": "list_carts_v1", "responses": {}}}
    with pytest.raises(Drift, match=r"list_carts \(GET /api/v1/carts\) has no method"):
        modules(changed)


def test_an_operation_that_went_is_drift(documents: dict[str, dict[str, Any]]):
    changed = copy.deepcopy(documents)
    for version in ("v1", "v2"):
        del changed["orders"]["paths"][f"/api/{version}/orders"]
    with pytest.raises(Drift, match=r"orders\.place stands for place_order, which is no operation"):
        modules(changed)


def test_a_field_that_changed_is_seen(documents: dict[str, dict[str, Any]]):
    changed = copy.deepcopy(documents)
    changed["orders"]["components"]["schemas"]["OrderV1"]["properties"]["note"] = {"type": "string"}
    differ = [path.name for path, text in modules(changed).items() if path.read_text() != text]
    assert differ == ["orders.py"]


def test_a_header_that_no_method_gives_is_drift(documents: dict[str, dict[str, Any]]):
    changed = copy.deepcopy(documents)
    tenant = {"in": "header", "name": "x-tenant", "schema": {"type": "string"}}
    changed["orders"]["paths"]["/api/v1/orders"]["get"]["parameters"].append(tenant)
    with pytest.raises(Drift, match="x-tenant"):
        modules(changed)


def test_every_operation_of_the_public_document_is_reached_or_left_out_for_a_reason(
    documents: dict[str, dict[str, Any]],
):
    public = merge(RouteTable(load_routes(ROOT / "gateway/src/gateway/routes.toml", {})), documents, [])
    names = {
        re.sub(r"_v\d+$", "", operation["operationId"].partition("_")[2])
        for item in public["paths"].values()
        for method, operation in item.items()
        if method != "parameters"
    }
    table = read_table()
    reached = {
        method.operation.name for methods in resources(table, operations(documents)).values() for method in methods
    }
    assert names - reached == names & table["left_out"].keys()
    assert reached <= names
    assert all(table["left_out"].values())


def test_both_clients_have_every_method():
    table = read_table()
    for client in (Gatehouse("http://127.0.0.1:1"), AsyncGatehouse("http://127.0.0.1:1")):
        for resource in table.keys() - {"left_out"}:
            assert all(callable(getattr(getattr(client, resource), name)) for name in table[resource])
