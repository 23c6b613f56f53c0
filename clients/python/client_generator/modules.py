"""All modules that are made, with their text."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from client_generator.documents import ROOT, Method, operations, read_documents, read_table, resources
from client_generator.model_source import model_module
from client_generator.resource_source import all_module, resource_module
from client_generator.schemas import Schemas

FOLDER = Path(__file__).parents[1] / "src" / "gatehouse_client"

_NAMES = re.compile(r"#/components/schemas/(\w+)")


def modules(
    documents: dict[str, dict[str, Any]] | None = None, table: dict[str, dict[str, Any]] | None = None
) -> dict[Path, str]:
    """By their paths. Raises Drift."""
    documents = documents or read_documents()
    named = resources(table or read_table(), operations(documents))
    methods = [method for group in named.values() for method in group]
    schemas = {service: Schemas(document) for service, document in documents.items()}
    made: dict[Path, str] = {}
    types: dict[str, set[str]] = {}
    for service, known in schemas.items():
        here = [method for method in methods if method.operation.service == service]
        comes = known.reachable([name for method in here for name in _answered(method)])
        sent = known.reachable([name for method in here for name in _sent(method, known)])
        known.insist_on_own_names(comes | sent)
        types[service] = {known.python_name(name) for name in comes | sent if not name.startswith("Page_")}
        made[FOLDER / "models" / f"{service}.py"] = model_module(service, known, comes, sent)
    for resource, group in named.items():
        made[FOLDER / "resources" / f"{resource}.py"] = resource_module(resource, group, schemas, types)
    made[FOLDER / "resources" / "all.py"] = all_module(named)
    for folder, doc in (("models", "What the API answers, by service."), ("resources", "The calls, by resource.")):
        made[FOLDER / folder / "__init__.py"] = f'"""{doc}"""\n'
    return {path: _formatted(text) for path, text in made.items()}


def _answered(method: Method) -> list[str]:
    answers = [answer for status, answer in method.operation.body["responses"].items() if status[0] == "2"]
    return [name for answer in answers for name in _NAMES.findall(str(answer))]


def _sent(method: Method, schemas: Schemas) -> list[str]:
    """The types that parameters have: not the body itself, whose fields are the parameters."""
    body = method.operation.body
    names = _NAMES.findall(str(body.get("requestBody", {})))
    inside = [name for body_name in names for name in _NAMES.findall(str(schemas.fields(body_name)))]
    return inside + _NAMES.findall(str(body.get("parameters", [])))


def _formatted(text: str) -> str:
    for command in (["check", "--select=I", "--fix"], ["format"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--quiet", "--config", str(ROOT / "pyproject.toml"), "-"]
        text = subprocess.run(ruff, input=text, capture_output=True, text=True, check=True).stdout  # noqa: S603
    return text
