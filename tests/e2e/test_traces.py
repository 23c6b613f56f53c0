"""Who calls whom is asserted from the trace of one order, read by Jaeger's query API."""

import secrets
from typing import Any

import httpx
from e2e_system import Person, System, eventually, get, new_product


def spans_of(system: System, trace_id: str) -> list[dict[str, Any]]:
    answer = get(f"{system.traces}/api/traces/{trace_id}")
    if answer.status_code == 404:
        return []
    trace = answer.json()["data"][0]
    services = {key: process["serviceName"] for key, process in trace["processes"].items()}
    return [{**span, "service": services[span["processID"]]} for span in trace["spans"]]


def edges(spans: list[dict[str, Any]]) -> set[tuple[str, str]]:
    by_id = {span["spanID"]: span for span in spans}
    return {
        (by_id[reference["spanID"]]["service"], span["service"])
        for span in spans
        for reference in span.get("references", [])
        if reference["spanID"] in by_id
    }


def roots(spans: list[dict[str, Any]]) -> list[dict[str, Any]]:
    known = {span["spanID"] for span in spans}
    return [span for span in spans if not any(ref["spanID"] in known for ref in span.get("references", []))]


def tags(span: dict[str, Any]) -> dict[str, Any]:
    return {tag["key"]: tag["value"] for tag in span["tags"]}


def is_server_of_orders(span: dict[str, Any]) -> bool:
    return span["service"] == "orders" and tags(span)["span.kind"] == "server"


def whole_order(system: System, trace_id: str) -> list[dict[str, Any]] | None:
    """The spans of an order's trace once the parts of gateway, orders and reports have all come."""
    spans = spans_of(system, trace_id)
    wanted = {("gateway", "orders"), ("orders", "reports")}
    return spans if wanted <= edges(spans) and any(map(is_server_of_orders, spans)) else None


def test_one_order_is_one_tree_across_gateway_orders_broker_and_reports(
    system: System, client: httpx.Client, person: Person, product: dict[str, int]
):
    body = {"items": [{"product_id": product["id"], "quantity": 1}]}
    answer = client.post("/api/v1/orders", json=body, headers=person.headers)
    trace_id = answer.headers["traceresponse"].split("-")[1]

    def one_tree() -> list[dict[str, Any]] | None:
        # Each process sends its spans when it likes: a child may come long before its parent.
        found = whole_order(system, trace_id)
        return found if found and len(roots(found)) == 1 else None

    spans = eventually(one_tree, what="the edges gateway -> orders -> reports, and every span's parent but one's")
    assert roots(spans)[0]["service"] == "gateway"

    into_reports = [
        (span, next(parent for parent in spans if parent["spanID"] == reference["spanID"]))
        for span in spans
        if span["service"] == "reports"
        for reference in span.get("references", [])
        if any(parent["spanID"] == reference["spanID"] and parent["service"] == "orders" for parent in spans)
    ]
    for consumer, producer in into_reports:
        assert tags(producer)["messaging.system"] == "rabbitmq"
        assert tags(producer)["span.kind"] == "producer"
        assert tags(consumer)["span.kind"] == "consumer"
    below_orders = {tags(span).get("db.system") or tags(span).get("db.system.name") for span in spans}
    assert "postgresql" in below_orders


def test_the_callers_trace_is_kept(system: System, client: httpx.Client):
    trace_id = secrets.token_hex(16)
    answer = client.get("/api/v1/products", headers={"traceparent": f"00-{trace_id}-b7ad6b7169203331-01"})
    assert answer.headers["traceresponse"].split("-")[1] == trace_id
    eventually(lambda: ("gateway", "orders") in edges(spans_of(system, trace_id)), what="the caller's trace")


def test_an_error_names_the_trace_it_belongs_to(system: System, client: httpx.Client, person: Person):
    answer = client.get("/api/v1/orders/999999999", headers=person.headers)
    assert answer.json()["trace_id"] == answer.headers["traceresponse"].split("-")[1]
    eventually(lambda: spans_of(system, answer.json()["trace_id"]), what="the trace of the error")


def test_placing_an_order_needs_no_more_statements_with_more_items(
    system: System, client: httpx.Client, boss: Person, person: Person
):
    def statements(count: int) -> int:
        products = [new_product(client, boss)["id"] for _ in range(count)]
        body = {"items": [{"product_id": product_id, "quantity": 1} for product_id in products]}
        answer = client.post("/api/v1/orders", json=body, headers=person.headers)
        assert answer.status_code == 201, answer.text
        trace_id = answer.headers["traceresponse"].split("-")[1]
        spans = eventually(lambda: whole_order(system, trace_id), what="the whole trace")
        server = next(span for span in spans if is_server_of_orders(span))
        return sum(
            1
            for span in spans
            if span["service"] == "orders"
            and any(reference["spanID"] == server["spanID"] for reference in span.get("references", []))
            and (tags(span).get("db.system") or tags(span).get("db.system.name"))
        )

    assert statements(8) == statements(1)


def test_every_service_is_in_the_list_of_services(system: System):
    def listed() -> bool:
        services = get(f"{system.traces}/api/services").json()["data"]
        return {"gateway", "users", "orders", "reports"} <= set(services)

    eventually(listed, what="all four services")
