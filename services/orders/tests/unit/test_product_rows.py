"""Reading a file of products: whatever is sent is either rows for COPY, errors by line, or refused in words."""

import csv
import tracemalloc
from pathlib import Path

import pytest

from orders.domain.imports import MOST_ERRORS, UnreadableFile
from orders.product_rows import MOST_LINE, MOST_RECORD, FileContent, read_columns, spool_rows

HEADER = "sku,name,price,stock"


def read(tmp_path: Path, content: str | bytes) -> tuple[FileContent, list[list[str]]]:
    source, spool = tmp_path / "sent.csv", tmp_path / "rows"
    source.write_bytes(content.encode() if isinstance(content, str) else content)
    found = spool_rows(source, spool)
    with spool.open(newline="") as text:
        return found, list(csv.reader(text))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_every_end_of_line_and_a_byte_order_mark_are_read(tmp_path: Path, end: str, mark: str):
    found, rows = read(tmp_path, mark + end.join([HEADER, "a, A mug ,9.99,1", "", "b,B,1,2"]) + end)
    assert found.columns == ("sku", "name", "price", "stock")
    assert (found.rows, found.errors.bad_rows) == (2, 0)
    assert rows == [["2", "a", "A mug", "9.99", "1"], ["4", "b", "B", "1", "2"]]


def test_lines_are_counted_as_an_editor_counts_them(tmp_path: Path):
    found, rows = read(
        tmp_path, f'{HEADER}\na,"two\nlines, and ""quotes""\r\nand a third",1,1\nb,B,1\nc,C,1,1,1\nd,D,1,1\n'
    )
    assert [(error.line, error.message) for error in found.errors.kept] == [
        (5, "The row has 3 columns in place of 4."),
        (6, "The row has 5 columns in place of 4."),
    ]
    assert rows == [
        ["2", "a", 'two\nlines, and "quotes"\r\nand a third', "1", "1"],
        ["7", "d", "D", "1", "1"],
    ]


def test_a_row_that_is_not_utf8_or_has_a_nul_is_an_error_of_its_own(tmp_path: Path):
    found, rows = read(tmp_path, f"{HEADER}\na,A,1,1\nb,caf\xe9,1,1\nc,C,1,1\n".encode("latin-1") + b"d,\0,1,1\n")
    assert [(error.line, error.message) for error in found.errors.kept] == [
        (3, "The row is not UTF-8."),
        (5, "A text holds no NUL character."),
    ]
    assert [row[1] for row in rows] == ["a", "c"]


def test_quotes_that_are_wrong_within_a_line_are_that_row_s_error(tmp_path: Path):
    found, rows = read(tmp_path, f'{HEADER}\na,"A" b,1,1\nb,B,1,1\n')
    assert [(error.line, error.message) for error in found.errors.kept] == [
        (2, "The quotes of the row are not those of CSV.")
    ]
    assert [row[1] for row in rows] == ["b"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "The file is empty."),
        ("sku,name,price\na,A,1\n", "The first line lacks the columns stock."),
        (f"{HEADER},colour\n", "The first line has columns that products have not: 'colour'."),
        (f"{HEADER},sku\n", "The first line names a column twice."),
        (f"{HEADER}\n".encode("utf-16"), "The file is not UTF-8."),
        (f'{HEADER}\na,"never closed,1,1\nb,B,1,1\n', "A quote that is opened on line 2 is not closed."),
        (f'{HEADER}\na,"' + "x\n" * MOST_LINE, "A quote that is opened on line 2 is not closed."),
        (f"{HEADER}\n" + "x" * (2 * MOST_LINE), f"Line 2 is longer than {MOST_LINE} characters."),
        (
            f"{HEADER}\n" + '"x\n",' * (MOST_RECORD // 4),
            f"The row that goes on in line 209717 is longer than {MOST_RECORD} characters.",
        ),
    ],
)
def test_a_file_that_is_no_list_of_products_is_refused(tmp_path: Path, content: str | bytes, reason: str):
    with pytest.raises(UnreadableFile) as refused:
        read(tmp_path, content)
    assert refused.value.reason == reason


def test_memory_does_not_grow_with_the_file(tmp_path: Path):
    def peak(rows: int) -> int:
        rows_of_both = (f"sku-{n},A mug,9.99,1,1\nsku-{n},A mug,9.99,1\n" for n in range(rows))
        (tmp_path / "sent.csv").write_text(f"{HEADER}\n" + "".join(rows_of_both))
        tracemalloc.start()
        found = spool_rows(tmp_path / "sent.csv", tmp_path / "rows")
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert (found.errors.bad_rows, len(found.errors.kept)) == (rows, MOST_ERRORS)
        return most

    assert peak(12_000) < peak(4_000) + 200_000


def test_names_of_columns_without_end_are_refused_before_they_fill_the_memory(tmp_path: Path):
    (tmp_path / "sent.csv").write_text('"ab\n",' * MOST_RECORD)
    tracemalloc.start()
    with pytest.raises(UnreadableFile, match="is longer than"):
        read_columns(tmp_path / "sent.csv")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 32 * MOST_RECORD


def test_rows_as_long_as_may_be_are_not_gathered_by_the_thousand(tmp_path: Path):
    field = "x" * 100_000
    (tmp_path / "sent.csv").write_text(f"{HEADER}\n" + f"{field},{field},1,1\n" * 200)
    tracemalloc.start()
    assert spool_rows(tmp_path / "sent.csv", tmp_path / "rows").rows == 200
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 40_000_000
