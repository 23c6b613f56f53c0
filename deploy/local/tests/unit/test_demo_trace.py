"""The demo's claim about the trace fails when the tree is broken."""

from local_stack.demo_trace import spans_of, tree_lines, what_is_missing

PATH = ("gateway", "orders", "reports")


def trace(*spans: tuple[str, str | None, str]) -> dict[str, object]:
    services = sorted({service for _, _, service in spans})
    return {
        "processes": {name: {"serviceName": name, "tags": []} for name in services},
        "spans": [
            {
                "spanID": identifier,
                "references": [{"refType": "CHILD_OF", "spanID": parent}] if parent else [],
                "processID": service,
                "operationName": f"op-{identifier}",
                "tags": [{"key": "span.kind", "value": "server"}],
                "startTime": number,
                "duration": 1000,
            }
            for number, (identifier, parent, service) in enumerate(spans)
        ],
    }


def missing(*spans: tuple[str, str | None, str]) -> str:
    return what_is_missing(spans_of(trace(*spans)), PATH)


def test_one_tree_from_gateway_over_orders_to_reports_is_whole():
    assert missing(("1", None, "gateway"), ("2", "1", "orders"), ("3", "2", "orders"), ("4", "3", "reports")) == ""


def test_a_span_whose_parent_is_not_there_is_told():
    assert "has not come in" in missing(("1", None, "gateway"), ("4", "3", "reports"))


def test_two_roots_are_no_tree():
    assert "2 roots" in missing(("1", None, "gateway"), ("2", "1", "orders"), ("4", None, "reports"))


def test_reports_called_by_the_gateway_directly_is_another_path():
    assert "no span of reports" in missing(("1", None, "gateway"), ("2", "1", "orders"), ("4", "1", "reports"))


def test_the_tree_is_drawn_with_parents_above_children():
    spans = spans_of(trace(("1", None, "gateway"), ("2", "1", "orders"), ("4", "2", "reports"), ("5", "1", "gateway")))
    assert [line.strip().split(":")[0] for line in tree_lines(spans)] == [
        "gateway",
        "├─ orders",
        "│  └─ reports",
        "└─ gateway",
    ]
