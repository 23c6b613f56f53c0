"""The OpenAPI document: errors are problem documents everywhere, and the committed copy never drifts."""

import argparse
import difflib
import sys
from pathlib import Path
from typing import Any, TypeVar

import orjson
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from shared.identity.dependencies import API_KEY
from shared.problems import ProblemDocument
from shared.settings import PostgresSettings, RabbitSettings, RedisSettings, ServiceSettings, TokenSettings

SettingsT = TypeVar("SettingsT", bound=ServiceSettings)

_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


def describe(app: FastAPI) -> None:
    """Make the app's document say what its answers really are."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = openapi


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(title=app.title, version=app.version, routes=app.routes)
    schemas: dict[str, Any] = document.setdefault("components", {}).setdefault("schemas", {})
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    problem = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs", {}))
    if "securitySchemes" in document["components"]:
        document["components"]["securitySchemes"]["X-API-Key"] = API_KEY.model_dump(
            mode="json", by_alias=True, exclude_none=True
        )
    schemas["Problem"] = {**problem, "title": "Problem"}
    for path in document.get("paths", {}).values():
        for operation in path.values():
            answers: dict[str, Any] = operation.setdefault("responses", {})
            if "422" in answers:
                answers["422"] = _answer("A field breaks a rule.", answers["422"])
            if "requestBody" in operation:
                answers.setdefault("400", {"description": "The body does not parse.", "content": _PROBLEM})
                answers.setdefault("415", {"description": "A body type that is not taken.", "content": _PROBLEM})
            if "security" in operation:
                # The other way to be known: a key, for which the gateway gets a token of the same scopes.
                scopes = [required["bearer"] for required in operation["security"] if "bearer" in required]
                operation["security"].extend({"X-API-Key": each} for each in scopes)
            answers["503"] = _answer("A dependency is away. Try again.", answers.get("503", {}))
    return document


def _answer(description: str, said: dict[str, Any]) -> dict[str, Any]:
    # A page that people meet says it in HTML, and in front of the page a dependency may be away all the same.
    pages = {kind: schema for kind, schema in said.get("content", {}).items() if kind == "text/html"}
    return {"description": said["description"] if pages else description, "content": {**_PROBLEM, **pages}}


def placeholder_settings(cls: type[SettingsT], **own: object) -> SettingsT:
    """Settings that name servers nobody calls: the document needs none. ``own`` are those that only ``cls`` has."""
    unused = "unused://the-document-needs-no-server"
    values = {
        "postgres": PostgresSettings.model_validate({"url": unused}),
        "redis": RedisSettings.model_validate({"url": "redis://127.0.0.1"}),
        "rabbit": RabbitSettings.model_validate({"url": unused}),
        "tokens": TokenSettings.model_validate({"issuer": unused, "jwks_url": unused}),
    }
    return cls.model_validate({**values, **own})


def render(app: FastAPI) -> str:
    """The document as it is committed: sorted, indented, with a last newline."""
    return orjson.dumps(app.openapi(), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode() + "\n"


def main(app: FastAPI, committed: Path) -> None:
    """Write the committed document, or with ``--check`` exit 1 and show how it drifted."""
    parser = argparse.ArgumentParser(description=f"The OpenAPI document {committed.name} of {app.title}.")
    parser.add_argument("--check", action="store_true", help="write nothing, fail on drift")
    arguments = parser.parse_args()
    wanted = render(app)
    if not arguments.check:
        committed.write_text(wanted)
        return
    found = committed.read_text() if committed.exists() else ""
    if found != wanted:
        sys.stdout.writelines(
            difflib.unified_diff(found.splitlines(True), wanted.splitlines(True), "committed", "the code's")
        )
        raise SystemExit(f"{app.title}: the OpenAPI document drifted; run python -m {app.title}.openapi")
