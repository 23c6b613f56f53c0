"""A report as JSON: all its sections, written row by row so that their number does not matter."""

from pathlib import Path
from typing import IO

import orjson

from reports.domain.document import Document, cell
from reports.rendering.spool import read_spool


def render_json(document: Document, spool: Path, target: Path) -> None:
    """Write one object: what the report is, and each section as an array of objects."""
    head = {
        "title": document.title,
        "about": document.about,
        "period": document.period,
        "requested_at": cell(document.requested_at),
    }
    with target.open("wb") as file:
        file.write(orjson.dumps(head)[:-1])
        for section in document.sections:
            file.write(b"," + orjson.dumps(section.key) + b":[")
            keys = [column.key for column in section.columns]
            _write_rows(file, keys, spool, section.key)
            file.write(b"]")
        file.write(b"}\n")


def _write_rows(file: IO[bytes], keys: list[str], spool: Path, section: str) -> None:
    for number, row in enumerate(read_spool(spool, section)):
        file.write(b"," if number else b"")
        file.write(orjson.dumps(dict(zip(keys, row, strict=True))))
