"""What the OpenAPI document promises of itself."""

from pathlib import Path
from typing import Any

import orjson
import pytest

DOCUMENT: dict[str, Any] = orjson.loads((Path(__file__).parents[2] / "openapi.json").read_bytes())
OPERATIONS = [
    (path, method, operation) for path, methods in DOCUMENT["paths"].items() for method, operation in methods.items()
]


def test_operations_have_names_of_their_own_and_both_versions_are_there():
    names = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(names) == len(set(names))
    one = {path.removeprefix("/api/v1") for path in DOCUMENT["paths"] if path.startswith("/api/v1")}
    two = {path.removeprefix("/api/v2") for path in DOCUMENT["paths"] if path.startswith("/api/v2")}
    assert one == two
    assert len(one) >= 7


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_every_operation_is_summed_up_and_says_who_may_call(path: str, method: str, operation: dict[str, Any]):
    assert operation["summary"]
    assert operation["tags"]
    public = method == "get" and "/products" in path and "/imports" not in path
    assert bool(operation.get("security")) is not public
    assert ("401" in operation["responses"]) is not public
