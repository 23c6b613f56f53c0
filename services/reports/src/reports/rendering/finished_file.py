"""What a rendering process does: makes the file, has it on the disk, tells its size and SHA-256."""

import hashlib
import os
from pathlib import Path

from reports.domain.document import Document
from reports.domain.report import ReportFormat
from reports.files.workshop import Workshop


def render(document: Document, report_format: ReportFormat, workshop: Workshop, pdf_rows: int) -> tuple[int, str]:
    """Make the file ``workshop.made``; its size in bytes and its SHA-256 in hex."""
    spool, target = workshop.spool, workshop.made
    match report_format:
        case ReportFormat.PDF:
            # Only the process that draws pays for the libraries that draw.
            from reports.rendering.pdf_file import render_pdf  # noqa: PLC0415

            render_pdf(document, workshop, pdf_rows)
        case ReportFormat.CSV:
            from reports.rendering.csv_file import render_csv  # noqa: PLC0415

            render_csv(document, spool, target)
        case ReportFormat.JSON:
            from reports.rendering.json_file import render_json  # noqa: PLC0415

            render_json(document, spool, target)
    return _seal(target)


def draw(document: Document, workshop: Workshop) -> None:
    """Draw the report's plot, and that of its forecast where it has one."""
    from reports.rendering.outlook_file import render_outlooks  # noqa: PLC0415 - the same
    from reports.rendering.plot_file import render_plot  # noqa: PLC0415 - the same

    render_plot(document.plot, workshop.plot)
    if document.outlooks:
        render_outlooks(document.outlooks, workshop.outlook)


def _seal(target: Path) -> tuple[int, str]:
    with target.open("rb") as file:
        os.fsync(file.fileno())
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return target.stat().st_size, digest
