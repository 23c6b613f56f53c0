"""A report as PDF: title, period, plot, and its tables with their headers on every page."""

from itertools import islice
from pathlib import Path

import matplotlib as mpl
from fpdf import FPDF
from fpdf.enums import XPos, YPos

from reports.domain.document import Document, Section
from reports.files.workshop import Workshop
from reports.rendering.pdf_table import Table
from reports.rendering.spool import read_spool

_FONT = "DejaVu"
_ROOM_FOR_A_TABLE = 24
_TABLE_SIZE = 7


class _Page(FPDF):
    """An A4 page across, with the title and the number of the page at its foot."""

    def __init__(self, document: Document) -> None:
        super().__init__(orientation="landscape", format="A4")
        # The core fonts know Latin-1 alone and fail on other names; matplotlib brings DejaVu along.
        fonts = Path(mpl.get_data_path()) / "fonts" / "ttf"
        self.add_font(_FONT, "", fonts / "DejaVuSans.ttf")
        self.add_font(_FONT, "B", fonts / "DejaVuSans-Bold.ttf")
        self.set_title(document.title)
        self.set_creator("Gatehouse reports")
        # The time of the request, not of the making: the same rows make the same bytes.
        self.set_creation_date(document.requested_at)
        self.set_auto_page_break(auto=True, margin=16)
        self.set_margin(12)
        self._foot = f"{document.title} · {document.period}"

    def footer(self) -> None:
        """Called by fpdf2 at the end of each page."""
        self.set_y(-12)
        self.set_font(_FONT, size=7)
        self.cell(0, 5, self._foot)
        self.cell(0, 5, f"{self.page_no()} / {{nb}}", align="R")

    def line_of_text(self, text: str, *, size: int, style: str = "") -> None:
        """One paragraph over the page's width."""
        self.set_font(_FONT, style, size)
        self.multi_cell(0, size * 0.6, text, new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def render_pdf(document: Document, workshop: Workshop, most_rows: int) -> None:
    """Write the PDF; of each section at most ``most_rows`` rows, and it says so where there are more."""
    page = _Page(document)
    page.add_page()
    page.line_of_text(document.title, size=18, style="B")
    page.line_of_text(f"{document.about} · {document.period} (days in UTC)", size=9)
    page.line_of_text(f"Requested at {document.requested_at:%Y-%m-%d %H:%M:%S} UTC", size=9)
    page.ln(2)
    page.image(workshop.plot, w=page.epw, alt_text=document.plot.title)
    if document.outlooks:
        page.ln(4)
        page.image(workshop.outlook, w=page.epw, alt_text=document.outlooks[0].title)
    for section in document.sections:
        page.ln(4)
        if page.will_page_break(_ROOM_FOR_A_TABLE):
            page.add_page()
        page.line_of_text(section.title, size=12, style="B")
        _table(page, section, workshop.spool, most_rows)
        total = document.counts.get(section.key, 0)
        if total > most_rows:
            text = f"The first {most_rows:,} of {total:,} rows. The CSV and JSON formats have all."
            page.line_of_text(text, size=8)
    page.output(str(workshop.made))


def _table(page: _Page, section: Section, spool: Path, most_rows: int) -> None:
    Table(page, section, _FONT, _TABLE_SIZE).draw(islice(read_spool(spool, section.key), most_rows))
