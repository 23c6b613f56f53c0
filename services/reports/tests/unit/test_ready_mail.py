"""What the mail on a report says, and what nobody can slip into it."""

from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError

from reports.domain.report import Report, ReportFormat, ReportStatus, ReportType
from reports.jobs.ready_mail import write
from reports.store.seen_users import Recipient
from shared.mail import PublicSettings

JOB = UUID("00000000-0000-0000-0000-00000000002a")
REPORT = Report(
    id=42,
    user_id=1,
    type=ReportType.ORDER_SUMMARY,
    format=ReportFormat.PDF,
    params={"from": "2026-01-01", "to": "2026-01-31"},
    everyone=False,
    status=ReportStatus.SUCCEEDED,
    progress=100,
    sequence=3,
    error=None,
    job_id=uuid4(),
    file=None,
    created_at=datetime(2026, 2, 1, tzinfo=UTC),
    finished_at=datetime(2026, 2, 1, 0, 1, tzinfo=UTC),
    version=2,
    notify=True,
)


def mail(report: Report = REPORT, name: str = "Zoë O'Neil") -> EmailMessage:
    return write(
        report,
        Recipient(name, "zoe@exämple.com"),
        sender="Gatehouse <no-reply@gatehouse.example>",
        public_url="https://api.example.com",
        keep_days=90,
        job_id=JOB,
    )


def test_it_names_the_report_and_links_to_it():
    message = mail()
    text = message.get_content()
    assert message["Subject"] == ("Your report is ready: order summary (PDF, from 2026-01-01 to 2026-01-31)")
    assert "https://api.example.com/api/v1/reports/42/content\n" in text
    assert "Hello Zoë O'Neil," in text
    assert message["To"].addresses[0].addr_spec == "zoe@xn--exmple-cua.com"


def test_a_report_that_failed_is_told_of_too():
    text = mail(replace(REPORT, status=ReportStatus.FAILED, error="The report could not be made.")).get_content()
    assert "could not be made" in text
    assert "/content" not in text


def test_two_attempts_are_one_mail():
    assert mail()["Message-ID"] == mail()["Message-ID"] == f"<{JOB}@gatehouse.example>"


@pytest.mark.parametrize("name", ["Ada\r\nBcc: eve@example.com", "Ada\nBcc: eve@example.com"])
def test_no_header_can_be_slipped_in(name: str):
    try:
        head = mail(name=name).as_bytes().partition(b"\n\n")[0]
    except ValueError:
        return
    assert not any(line.lower().startswith(b"bcc") for line in head.splitlines())


@pytest.mark.parametrize("url", ["", "api.example.com", "ftp://x", "https://", "https://x/?a=1", "javascript:alert(1)"])
def test_a_link_that_leads_nowhere_is_refused_at_the_start(url: str):
    with pytest.raises(ValidationError, match="PUBLIC_URL"):
        PublicSettings.model_validate({"PUBLIC_URL": url})
