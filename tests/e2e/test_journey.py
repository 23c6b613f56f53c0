"""One journey from registration to a PDF report, as a client meets it."""

import io
import json
import secrets

import httpx
import pytest
from e2e_system import Person, System, eventually, finished_report, new_product, place_order, register
from pypdf import PdfReader


def test_from_registration_to_a_pdf_report(client: httpx.Client, boss: Person):
    product = new_product(client, boss, price="12.50", stock=10)
    person = register(client, "Zoë O'Brien-Łuksza")
    order_key = {"Idempotency-Key": secrets.token_hex(16), **person.headers}
    body = {"items": [{"product_id": product["id"], "quantity": 3}]}

    first = client.post("/api/v1/orders", json=body, headers=order_key)
    again = client.post("/api/v1/orders", json=body, headers=order_key)
    assert first.status_code == again.status_code == 201
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    order = first.json()
    assert again.json() == order
    assert (order["status"], order["total"], order["user_id"]) == ("pending", "37.50", person.id)
    assert client.get(f"/api/v1/products/{product['id']}").json()["stock"] == 7

    paid = client.post(f"/api/v1/orders/{order['id']}/payments", json={}, headers=person.headers)
    assert paid.status_code == 201, paid.text
    assert client.get(f"/api/v1/orders/{order['id']}", headers=person.headers).json()["status"] == "paid"

    def reported() -> bool:
        report = finished_report(client, person, "order_summary", "json")
        content = client.get(f"/api/v1/reports/{report['id']}/content", headers=person.headers)
        return "37.50" in content.text and "paid" in content.text

    eventually(reported, what="the paid order in the read model of reports")

    asked = client.post(
        "/api/v1/reports", json={"type": "order_summary", "format": "pdf", "params": {}}, headers=person.headers
    )
    assert asked.status_code == 202
    path = f"/api/v1/reports/{asked.json()['id']}"
    assert asked.headers["Location"] == path
    names: list[str] = []
    with client.stream("GET", f"{path}/events", headers=person.headers) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        for line in stream.iter_lines():
            if line.startswith("event:"):
                names.append(line.removeprefix("event:").strip())
            if names and names[-1] in ("done", "failed") and not line:
                break
    assert names[-1] == "done"
    assert set(names[:-1]) <= {"progress"}

    content = client.get(f"{path}/content", headers=person.headers)
    assert content.status_code == 200
    assert content.headers["content-type"] == "application/pdf"
    text = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content.content)).pages)
    assert "37.50" in text
    assert product["sku"] in text or "Test kettle" in text
    part = client.get(f"{path}/content", headers={**person.headers, "Range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, b"%PDF")


@pytest.mark.parametrize("form", ["pdf", "csv", "json"])
@pytest.mark.parametrize("kind", ["user_activity", "order_summary"])
def test_every_report_and_format_is_made(client: httpx.Client, person: Person, kind: str, form: str):
    report = finished_report(client, person, kind, form)
    assert report["status"] == "succeeded", report
    assert (report["progress"], report["error"]) == (100, None)
    content = client.get(f"/api/v1/reports/{report['id']}/content", headers=person.headers)
    assert content.status_code == 200
    if form == "json":
        json.loads(content.content)


def test_a_sales_report_is_the_admins(client: httpx.Client, boss: Person, person: Person):
    refused = client.post("/api/v1/reports", json={"type": "sales", "format": "csv"}, headers=person.headers)
    assert refused.status_code == 403
    assert finished_report(client, boss, "sales", "csv")["status"] == "succeeded"


def test_a_welcome_mail_comes_by_smtp(client: httpx.Client, breakable: System):
    assert "Ada Lovelace" in breakable.mailed(register(client).email, "Welcome to Gatehouse")


def test_an_api_key_acts_as_its_owner_and_ends_when_revoked(
    client: httpx.Client, person: Person, product: dict[str, int]
):
    made = client.post("/api/v1/users/me/api-keys", json={"name": "ci"}, headers=person.headers)
    assert made.status_code == 201, made.text
    key = {"X-API-Key": made.json()["key"]}
    order = client.post("/api/v1/orders", json={"items": [{"product_id": product["id"], "quantity": 1}]}, headers=key)
    assert order.status_code == 201
    assert order.json()["user_id"] == person.id
    assert "key" not in client.get("/api/v1/users/me/api-keys", headers=person.headers).json()["items"][0]
    ended = client.delete(f"/api/v1/users/me/api-keys/{made.json()['id']}", headers=person.headers)
    assert ended.status_code == 204
    eventually(
        lambda: client.get("/api/v1/orders", headers=key).status_code == 401,
        what="the revoked key refused (after 5 s at most, which the gateway's own tests hold it to)",
    )


def test_orders_of_a_user_for_the_user_and_the_admin(
    client: httpx.Client, person: Person, boss: Person, product: dict[str, int]
):
    orders = [place_order(client, person, product["id"]) for _ in range(3)]
    page = client.get(f"/api/v1/users/{person.id}/orders?page_size=2", headers=person.headers).json()
    assert (page["total"], page["page"], page["page_size"], len(page["items"])) == (3, 1, 2, 2)
    eventually(
        lambda: client.get(f"/api/v1/users/{person.id}/orders", headers=boss.headers).json().get("total") == 3,
        what="the admin sees the user's orders",
    )
    assert {order["id"] for order in orders} >= {order["id"] for order in page["items"]}
