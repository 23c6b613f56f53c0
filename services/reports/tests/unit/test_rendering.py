"""Files from made-up rows: CSV that is safe, a PDF of many pages in many scripts."""

import csv
import io
import json
import logging
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pypdf
import pytest

from reports.domain.contents import CONTENTS
from reports.domain.document import Cell, Column, Document, Kind, Plot, Section
from reports.domain.report import ReportFormat
from reports.files.workshop import Workshop
from reports.rendering.csv_file import harmless
from reports.rendering.finished_file import draw, render
from reports.rendering.spool import SpoolWriter

SECTION = Section("items", "Items", (Column("name", "Name"), Column("price", "Price", Kind.MONEY)))
DOCUMENT = Document(
    title="Order summary",
    about="Ada",
    period="from the beginning until now",
    requested_at=datetime(2026, 1, 1, tzinfo=UTC),
    sections=(SECTION,),
    detail="items",
    plot=Plot("Ordered by day", ("2026-01-01", "2026-01-02"), {"EUR": (1.0, 2.5), "USD": (0.0, 1.0)}),
)


def make(tmp_path: Path, report_format: ReportFormat, rows: list[list[Cell]], pdf_rows: int = 2000) -> bytes:
    workshop = Workshop.at(tmp_path)
    with SpoolWriter(workshop.spool) as writer:
        writer.begin("items")
        for row in rows:
            writer.write("items", row)
    document = replace(DOCUMENT, counts=writer.counts)
    if report_format is ReportFormat.PDF:
        draw(document, workshop)
    size, _ = render(document, report_format, workshop, pdf_rows)
    content = workshop.made.read_bytes()
    assert len(content) == size
    return content


@pytest.mark.parametrize("evil", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x","y")'])
def test_csv_formulas_are_only_text(tmp_path: Path, evil: str):
    content = make(tmp_path, ReportFormat.CSV, [[evil, "9.99"]]).decode()
    rows = list(csv.reader(io.StringIO(content, newline="")))
    assert rows == [["name", "price"], [f"'{evil}", "9.99"]]


def test_csv_is_rfc_4180(tmp_path: Path):
    content = make(tmp_path, ReportFormat.CSV, [['a "b", c', "1.00"], ["two\nlines", None]])
    assert content == b'name,price\r\n"a ""b"", c",1.00\r\n"two\nlines",\r\n'


def test_what_starts_otherwise_stays():
    assert [harmless(text) for text in ("a=1", "", "O'Neil", None, 3)] == ["a=1", "", "O'Neil", None, 3]


def test_json_has_names_of_all_scripts(tmp_path: Path):
    document = json.loads(make(tmp_path, ReportFormat.JSON, [["名前", "1.00"], ["=1", "2.00"]]))
    assert document["items"] == [{"name": "名前", "price": "1.00"}, {"name": "=1", "price": "2.00"}]


def test_a_long_pdf_repeats_its_headings_and_tells_what_it_leaves_out(tmp_path: Path):
    rows: list[list[Cell]] = [[f"row{number:05}", "9.99"] for number in range(400)]
    reader = pypdf.PdfReader(io.BytesIO(make(tmp_path, ReportFormat.PDF, rows, pdf_rows=300)))
    texts = [page.extract_text() for page in reader.pages]
    assert len(texts) > 5
    assert all("Name" in text and "Price" in text for text in texts if "row00" in text)
    assert "row00299" in "".join(texts)
    assert "row00300" not in "".join(texts)
    assert "The first 300 of 400 rows" in "".join(texts)
    assert len(reader.pages[0].images) == 1
    assert "2 / " in texts[1]


def test_money_stands_at_the_right(tmp_path: Path):
    reader = pypdf.PdfReader(io.BytesIO(make(tmp_path, ReportFormat.PDF, [["a", "1.00"], ["b", "1000000.00"]])))
    places: dict[str, float] = {}

    def visit(text: str, _cm: Any, matrix: list[float], _font: Any, _size: float) -> None:
        if text.strip() in ("1.00", "1000000.00"):
            places[text.strip()] = matrix[4]

    reader.pages[0].extract_text(visitor_text=visit)
    assert places["1.00"] > places["1000000.00"], "the shorter one begins further right"


def test_a_pdf_takes_names_of_many_scripts(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    names = ["Zoë Müller", "Жанна", "Ελένη", "Łukasz", "שרה", "أحمد", "O'Neil"]
    with caplog.at_level(logging.WARNING, "fpdf"):
        content = make(tmp_path, ReportFormat.PDF, [[name, "1.00"] for name in names])
    assert "missing" not in caplog.text
    text = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages)
    for name in names[:4]:
        assert name in text
    # What the font has not is a box, and never a failure.
    assert make(tmp_path, ReportFormat.PDF, [["田中さん 🙂", "1.00"]]).startswith(b"%PDF")


@pytest.mark.parametrize("report_format", list(ReportFormat))
def test_the_same_rows_make_the_same_bytes(tmp_path: Path, report_format: ReportFormat):
    one, two = (make(tmp_path, report_format, [["a", "1.00"]]) for _ in range(2))
    assert one == two


def test_every_type_has_its_detail_among_its_sections():
    for contents in CONTENTS.values():
        keys = [section.key for section in contents.sections]
        assert contents.detail in keys
        assert len(set(keys)) == len(keys)
