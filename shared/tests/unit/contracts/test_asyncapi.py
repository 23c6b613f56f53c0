"""The AsyncAPI documents are what the specification's own schema takes, and name what there is."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from shared.contracts.asyncapi import service_document
from shared.contracts.schemas import ContractError, EventSchema, read_schemas
from shared.contracts.system import system_document
from shared.messaging import Event, Subscription
from shared.postgres import Connection

ROOT = Path(__file__).parents[4]
SPECIFICATION = json.loads((Path(__file__).parent / "asyncapi-3.0.0.json").read_text())
SCHEMAS = read_schemas(ROOT / "services")
DOCUMENTS = sorted(ROOT.glob("services/*/asyncapi.json"))


async def hear(_connection: Connection, _event: Event) -> None:
    raise AssertionError


def hold_to_specification(document: dict[str, Any]) -> None:
    error = jsonschema.exceptions.best_match(jsonschema.Draft7Validator(SPECIFICATION).iter_errors(document))
    assert error is None, f"{list(error.absolute_path)}: {error.message[:300]}"


def references(found: Any) -> list[str]:
    if isinstance(found, dict):
        own = [found["$ref"]] if isinstance(found.get("$ref"), str) else []
        return own + [each for value in found.values() for each in references(value)]
    return [each for value in found for each in references(value)] if isinstance(found, list) else []


def resolve(document: dict[str, Any], reference: str) -> Any:
    found: Any = document
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found


@pytest.mark.parametrize("path", [*DOCUMENTS, ROOT / "docs" / "asyncapi.json"], ids=lambda path: path.parent.name)
def test_a_document_is_as_the_specification_says_and_refers_to_what_is_there(path: Path) -> None:
    document = json.loads(path.read_text())
    hold_to_specification(document)
    for reference in references(document):
        if reference.startswith("#/"):
            assert resolve(document, reference)
        else:
            assert (path.parent / reference).is_file(), reference


def test_the_specification_is_held_up_against_and_not_waved_through() -> None:
    document = json.loads(DOCUMENTS[0].read_text())
    document["operations"]["wrong"] = {"action": "shout", "channel": {"$ref": "#/channels/x"}}
    with pytest.raises(AssertionError):
        hold_to_specification(document)


def test_every_event_there_is_stands_in_the_document_of_the_system() -> None:
    document = json.loads((ROOT / "docs" / "asyncapi.json").read_text())
    assert set(document["components"]["messages"]) == set(SCHEMAS)
    said = {name for name, operation in document["operations"].items() if operation["action"] == "send"}
    assert said == {f"{schema.service}.say.{schema.type}" for schema in SCHEMAS.values()}


def test_the_committed_documents_together_are_the_one_of_the_system() -> None:
    documents = [json.loads(path.read_text()) for path in DOCUMENTS]
    committed = json.loads((ROOT / "docs" / "asyncapi.json").read_text())
    assert system_document(documents, SCHEMAS) == committed, "run python -m shared.contracts system"


def test_what_is_heard_and_said_by_nobody_is_refused() -> None:
    with pytest.raises(ContractError, match=r"users\.vanished\.v1"):
        service_document("orders", "1", SCHEMAS, [Subscription("orders.x", ("users.vanished.v1",), hear)])


def test_a_type_that_two_say_and_a_file_named_wrong_are_refused(tmp_path: Path) -> None:
    for service in ("one", "two"):
        (tmp_path / service / "events").mkdir(parents=True)
        (tmp_path / service / "events" / "a.b.v1.json").write_text('{"title": "a.b.v1"}')
    with pytest.raises(ContractError, match="one and by two"):
        read_schemas(tmp_path)
    (tmp_path / "two" / "events" / "a.b.v1.json").rename(tmp_path / "two" / "events" / "a.c.v1.json")
    with pytest.raises(ContractError, match="title"):
        read_schemas(tmp_path)


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=lambda schema: schema.type)
def test_a_schema_is_one_and_its_examples_are_what_it_says(schema: EventSchema) -> None:
    jsonschema.Draft202012Validator.check_schema(schema.document)
    assert schema.document["examples"], "an example is what consumers' tests take"
    for example in schema.document["examples"]:
        jsonschema.Draft202012Validator(
            schema.document, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
        ).validate(example)
