"""OWASP API9: nothing is reachable that the document does not name."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from access_matrix import unversioned

_PARAMETER = re.compile(r"\{\w+\}")


def _shape(path: str) -> str:
    return _PARAMETER.sub("{}", path)


def test_each_route_of_the_gateway_is_in_the_document(document: dict[str, Any], pytestconfig: pytest.Config):
    routes_file: Path = pytestconfig.rootpath / "gateway/src/gateway/routes.toml"
    routed = {
        f"{method} {_shape(route['path'].removeprefix('/api'))}"
        for route in tomllib.loads(routes_file.read_text())["routes"]
        for method in route["methods"]
    }
    documented = {
        f"{method.upper()} {_shape(unversioned(path))}"
        for path, item in document["paths"].items()
        for method in item
        if method != "parameters"
    }
    assert routed == documented
