"""A report as CSV: RFC 4180, UTF-8, one table, the detail of the report and what is expected to follow it."""

import csv
from pathlib import Path

from reports.domain.document import Cell, Document, Kind
from reports.rendering.spool import read_spool

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def render_csv(document: Document, spool: Path, target: Path) -> None:
    """Write the detail section, with a header line.

    Where days to come follow, the last column ``kind`` tells them (``forecast``) from what was (``actual``).
    """
    section = document.section(document.detail)
    is_text = [column.kind is Kind.TEXT for column in section.columns]
    kinds = [["actual"], ["forecast"]] if document.ahead else [[], []]
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow([*(column.key for column in section.columns), *(["kind"] if document.ahead else [])])
        for row in read_spool(spool, section.key):
            cells = [harmless(cell) if text else cell for cell, text in zip(row, is_text, strict=True)]
            writer.writerow(cells + kinds[0])
        if document.ahead:
            keys = [column.key for column in document.section(document.ahead).columns]
            for row in read_spool(spool, document.ahead):
                told = dict(zip(keys, row, strict=True))
                writer.writerow([*(told.get(column.key) for column in section.columns), *kinds[1]])


def harmless(cell: Cell) -> Cell:
    """A text that a spreadsheet would run as a formula, quoted by an apostrophe (OWASP, CSV Injection)."""
    if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS):
        return f"'{cell}"
    return cell
