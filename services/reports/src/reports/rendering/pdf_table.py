"""A table of any length in a PDF, its headings on every page.

fpdf2's own tables take 5 ms a row, since each cell could hold anything. Here a cell is text of one font that is
measured once a spelling and placed: a tenth of that.
"""

from collections.abc import Iterable, Sequence

from fpdf import FPDF

from reports.domain.document import Cell, Section

_LINE = 4.2
_PADDING = 1.0
_BASELINE = 0.72
_GREY = (238, 238, 238)
_PALE = (248, 248, 248)
_BLACK = (0, 0, 0)
_MOST_LINES = 12
_MEASURED = 50_000


class Table:
    """Draws rows below each other on ``page``, in its font at ``size`` points."""

    def __init__(self, page: FPDF, section: Section, font: str, size: float) -> None:
        self._page = page
        self._font, self._size = font, size
        self._titles = [column.title for column in section.columns]
        self._right = [column.kind.is_number for column in section.columns]
        whole = sum(column.width for column in section.columns)
        self._widths = [page.epw * column.width / whole for column in section.columns]
        self._lefts = [page.l_margin + sum(self._widths[:number]) for number in range(len(self._widths))]
        self._measured: dict[tuple[str, str], float] = {}

    def draw(self, rows: Iterable[Sequence[Cell]]) -> None:
        """The headings, and all rows."""
        self._head()
        for number, row in enumerate(rows):
            cells = [self._wrap("" if cell is None else str(cell), column, "") for column, cell in enumerate(row)]
            height = max(map(len, cells)) * _LINE
            if self._page.will_page_break(height):
                self._page.add_page()
                self._head()
            self._row(cells, height, _PALE if number % 2 else None, "")

    def _head(self) -> None:
        self._page.set_font(self._font, "B", self._size)
        cells = [self._wrap(title, column, "B") for column, title in enumerate(self._titles)]
        height = max(map(len, cells)) * _LINE
        self._row(cells, height, _GREY, "B")
        y = self._page.get_y()
        self._page.line(self._page.l_margin, y, self._page.l_margin + self._page.epw, y)
        self._page.set_font(self._font, "", self._size)

    def _row(self, cells: list[list[str]], height: float, fill: tuple[int, int, int] | None, style: str) -> None:
        page = self._page
        top = page.get_y()
        if fill:
            page.set_fill_color(*fill)
            page.rect(page.l_margin, top, page.epw, height, style="F")
            # Text is filled with it too.
            page.set_fill_color(*_BLACK)
        for column, lines in enumerate(cells):
            for number, line in enumerate(lines):
                if not line:
                    continue
                x = self._lefts[column] + _PADDING
                if self._right[column]:
                    x = self._lefts[column] + self._widths[column] - _PADDING - self._width(line, style)
                page.text(x, top + (number + _BASELINE) * _LINE, line)
        page.set_y(top + height)

    def _wrap(self, text: str, column: int, style: str) -> list[str]:
        """Lines that fit the column, broken between words, within those that are too long; the rest is cut."""
        room = self._widths[column] - 2 * _PADDING
        text = " ".join(text.split())
        if self._width(text, style) <= room:
            return [text]
        lines: list[str] = []
        line = ""
        for word in text.split(" "):
            both = f"{line} {word}" if line else word
            if self._width(both, style) <= room:
                line = both
                continue
            if line:
                lines.append(line)
            *whole, line = self._break(word, room, style)
            lines += whole
        lines.append(line)
        if len(lines) > _MOST_LINES:
            lines = [*lines[: _MOST_LINES - 1], f"{lines[_MOST_LINES - 1][:-1]}…"]
        return lines

    def _break(self, word: str, room: float, style: str) -> list[str]:
        parts: list[str] = []
        while self._width(word, style) > room:
            fits = 1
            while fits < len(word) and self._width(word[: fits + 1], style) <= room:
                fits += 1
            if fits == len(word):
                break
            parts.append(word[:fits])
            word = word[fits:]
        return [*parts, word]

    def _width(self, text: str, style: str) -> float:
        width = self._measured.get((text, style))
        if width is None:
            if len(self._measured) >= _MEASURED:
                self._measured.clear()
            # Of the font that is set: each style is measured while it is.
            width = self._page.get_string_width(text)
            self._measured[text, style] = width
        return width
