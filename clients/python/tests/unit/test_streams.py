"""Progress, downloads, uploads and pages: what is longer than one answer."""

import io
import os
from decimal import Decimal
from pathlib import Path

import pytest
from both_clients import Both
from client_answers import ORDER, PRODUCT, page, problem
from scripted_server import Say, Script, Seen

from gatehouse_client import NotFound, NotReached, UnexpectedAnswer

STREAM = {"Content-Type": "text/event-stream"}
JOB = {
    "id": "7f6d5c3e-0000-4000-8000-000000000001", "type": "import", "status": "queued", "progress": 0, "message": "",
    "error": None, "result": None, "created_at": "2026-01-01T00:00:00Z", "finished_at": None, "mode": "skip_bad",
    "rows": None, "bad_rows": None, "created": None, "updated": None,
}  # fmt: skip


def event(number: int, name: str, progress: int) -> bytes:
    return f'id: {number}\nevent: {name}\ndata: {{"progress": {progress},\ndata: "message": "a\u2028b"}}\n\n'.encode()


def test_a_stream_that_breaks_goes_on_where_it_was(both: Both, script: Script):
    whole = b"retry: 0\n\n: still here\n\n" + event(1, "progress", 10)
    script.then(
        Say(200, whole + event(2, "progress", 20), STREAM, cut=len(whole) + 9),
        Say(200, event(2, "progress", 20), STREAM),
        Say(503, problem(503, "no")),
        Say(200, event(3, "done", 100), STREAM),
    )
    seen = both.run(lambda client: client.reports.watch(5))
    assert [(one.name, one.progress, one.id) for one in seen] == [
        ("progress", 10, "1"),
        ("progress", 20, "2"),
        ("done", 100, "3"),
    ]
    assert seen[0].data["message"] == "a\u2028b"
    assert [one.headers.get("last-event-id") for one in script.seen] == [None, "1", "2", "2"]


def test_a_stream_that_brings_nothing_is_given_up(both: Both, script: Script):
    script.always = Say(200, b"retry: 0\n\n", STREAM)
    both.manners["retries"] = 2
    with pytest.raises(NotReached, match="3 times"):
        both.run(lambda client: client.reports.watch(5))
    assert len(script.seen) == 3


def test_a_stream_of_what_is_not_there_is_an_error(both: Both, script: Script):
    script.always = Say(404, problem(404, "report_not_found"))
    with pytest.raises(NotFound, match="report_not_found"):
        both.run(lambda client: client.reports.watch(5))


def serve(content: bytes, cuts: list[int | None]):
    """A file, of which each answer breaks off after so many bytes."""

    def answer(seen: Seen) -> Say:
        first = int(seen.headers["range"][6:-1]) if "range" in seen.headers else 0
        headers = {"ETag": '"v1"', "Content-Range": f"bytes {first}-{len(content) - 1}/{len(content)}"}
        return Say(206 if first else 200, content[first:], headers, cut=cuts.pop(0))

    return answer


def test_a_download_that_breaks_is_continued(both: Both, script: Script, tmp_path: Path):
    content = os.urandom(300_000)
    script.always = serve(content, [100_000, 50_000, None])
    path = both.run(lambda client: client.reports.download(5, tmp_path / "report.pdf"))
    assert path.read_bytes() == content
    assert [one.headers.get("range") for one in script.seen] == [None, "bytes=100000-", "bytes=150000-"]
    assert script.seen[1].headers["if-range"] == '"v1"'
    assert [one.name for one in tmp_path.iterdir()] == ["report.pdf"]


def test_a_download_of_another_version_begins_anew(both: Both, script: Script, tmp_path: Path):
    script.then(Say(200, b"x" * 1000, {"ETag": '"v1"'}, cut=900), Say(200, b"new", {"ETag": '"v2"'}))
    path = both.run(lambda client: client.reports.download(5, str(tmp_path / "report.pdf")))
    assert path.read_bytes() == b"new"


def test_a_download_of_the_wrong_part_is_refused(both: Both, script: Script, tmp_path: Path):
    script.then(Say(200, b"x" * 1000, {"ETag": '"v1"'}, cut=900), Say(206, b"y", {"Content-Range": "bytes 5-5/1000"}))
    with pytest.raises(UnexpectedAnswer, match="byte 900"):
        both.run(lambda client: client.reports.download(5, tmp_path / "report.pdf"))
    assert list(tmp_path.iterdir()) == []


def test_a_failed_download_leaves_what_was_there(both: Both, script: Script, tmp_path: Path):
    target = tmp_path / "report.pdf"
    target.write_bytes(b"old")
    script.always = Say(200, b"x" * 10, cut=0)
    both.manners["retries"] = 1
    with pytest.raises(NotReached):
        both.run(lambda client: client.reports.download(5, target))
    assert target.read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("as_what", ["bytes", "path", "file"])
def test_an_upload_is_sent_whole_at_each_attempt(both: Both, script: Script, tmp_path: Path, as_what: str):
    rows = os.urandom(200_000)
    (tmp_path / "rows.csv").write_bytes(rows)
    upload = {"bytes": rows, "path": tmp_path / "rows.csv", "file": io.BytesIO(rows)}[as_what]
    script.then(Say(503, problem(503, "no")), Say(202, JOB))
    job = both.run(lambda client: client.product_imports.start(upload, mode="skip_bad"))
    assert str(job.id) == JOB["id"]
    assert [one.body == rows for one in script.seen] == [True, True]
    assert script.seen[0].headers["content-type"] == "text/csv"
    assert script.seen[0].path.endswith("?mode=skip_bad")
    assert script.seen[0].headers["idempotency-key"] == script.seen[1].headers["idempotency-key"]


def test_a_list_is_gone_through_page_by_page_and_what_is_pushed_on_comes_once(both: Both, script: Script):
    orders = [{**ORDER, "id": number} for number in range(9)]
    # Between the first page and the second somebody placed order 8.
    script.then(Say(200, page(orders[6:8], 3, 1)), Say(200, page(orders[5:7], 4, 2)))
    assert [order.id for order in both.run(lambda client: client.orders.list(status="paid", page_size=2))] == [6, 7, 5]
    assert [one.path.partition("?")[2] for one in script.seen] == [
        "status=paid&page_size=2",
        "status=paid&page_size=2&page=2",
    ]


def test_one_page_says_how_many_there_are(both: Both, script: Script):
    script.always = Say(200, page([PRODUCT], 31, 4))
    found = both.run(lambda client: client.products.list(q="kettle").page(4))
    assert (found.total, found.items[0].price) == (31, Decimal("9.99"))
    assert script.seen[0].path == "/api/v1/products?q=kettle&page=4"
