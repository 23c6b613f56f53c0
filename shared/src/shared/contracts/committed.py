"""A generated document and its committed copy, which may not drift apart."""

import argparse
import difflib
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson

from shared.contracts.asyncapi import service_document
from shared.contracts.schemas import ContractError, read_schemas
from shared.messaging.subscription import Subscription


def render(document: Mapping[str, Any]) -> str:
    """The document as it is committed: sorted, indented, with a last newline."""
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode() + "\n"


def write_or_check(document: Mapping[str, Any], committed: Path, *, check: bool, command: str) -> None:
    """Write the copy, or with ``check`` raise SystemExit and show how it drifted."""
    wanted = render(document)
    if not check:
        committed.write_text(wanted)
        return
    found = committed.read_text() if committed.exists() else ""
    if found != wanted:
        sys.stdout.writelines(
            difflib.unified_diff(found.splitlines(True), wanted.splitlines(True), "committed", "the code's")
        )
        raise SystemExit(f"{committed.name} drifted; run {command}")


def main(service: str, version: str, subscriptions: Iterable[Subscription], folder: Path) -> None:
    """``python -m <service>.asyncapi [--check]``: the document of one service, in its folder."""
    parser = argparse.ArgumentParser(description=f"The AsyncAPI document of {service}.")
    parser.add_argument("--check", action="store_true", help="write nothing, fail on drift")
    chosen = parser.parse_args()
    try:
        document = service_document(service, version, read_schemas(folder.parent), subscriptions)
    except ContractError as error:
        raise SystemExit(f"{service}: {error}") from None
    write_or_check(document, folder / "asyncapi.json", check=chosen.check, command=f"python -m {service}.asyncapi")
