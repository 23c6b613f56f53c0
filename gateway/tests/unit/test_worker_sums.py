"""The metrics of several workers as one: what may be added, what may not, and that no sum ever goes down."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from gateway.control.snapshot import Families, plain
from gateway.workers.sums import Snapshot, lasting, total


def worker(requests: int, *, seconds: float = 0.02, in_flight: int = 1, up: int = 1) -> Snapshot:
    registry = CollectorRegistry()
    Counter("requests", "R.", ("route",), registry=registry).labels('/a"b').inc(requests)
    Histogram("seconds", "S.", buckets=(0.01, 0.1), registry=registry).observe(seconds, {"trace_id": "ab"})
    Gauge("in_flight", "I.", registry=registry).set(in_flight)
    Gauge("limiter_up", "U.", registry=registry).set(up)
    Gauge("overload_level", "O.", registry=registry).set(up / 2)
    return plain(registry)


def values(snapshot: Snapshot) -> dict[str, float]:
    return {sample + "".join(labels.values()): value for family in snapshot for sample, labels, value, _ in family[4]}


def test_counts_are_added_and_gauges_by_what_they_mean():
    found = values(total([worker(3, seconds=0.005), worker(4, in_flight=2, up=0)]))
    assert found['requests_total/a"b'] == 7
    assert (found["seconds_bucket0.01"], found["seconds_bucket0.1"], found["seconds_count"]) == (1, 2, 2)
    assert (found["in_flight"], found["limiter_up"], found["overload_level"]) == (3, 0, 0.5)


def test_the_sum_of_one_reads_as_it_would_alone():
    registry = CollectorRegistry()
    Counter("requests", "R.", ("route",), registry=registry).labels("/ä\n").inc()
    Gauge("odd", "O.", registry=registry).set(float("inf"))
    Histogram("seconds", "S.", registry=registry).observe(2)
    assert generate_latest(Families(total([plain(registry)]))) == generate_latest(registry)  # pyright: ignore[reportArgumentType]


def test_a_dead_worker_leaves_what_it_counted_and_no_gauge():
    found = values(total([lasting(worker(3)), worker(4)]))
    assert (found['requests_total/a"b'], found["seconds_count"], found["in_flight"]) == (7, 2, 1)


@given(st.lists(st.tuples(st.sampled_from(["count", "die", "scrape"]), st.integers(0, 2)), max_size=40))
def test_no_order_of_work_and_deaths_makes_a_sum_go_down(steps: list[tuple[str, int]]):
    """As the supervisor does it: a worker's last snapshot is kept, and added to the departed when it dies."""
    counts, kept, departed, last = [0, 0, 0], [worker(0)] * 3, total([]), 0.0
    for step, number in steps:
        if step == "count":
            counts[number] += 1
        elif step == "die":
            departed = total([departed, lasting(kept[number])])
            counts[number], kept[number] = 0, []
        else:
            kept[number] = worker(counts[number])  # the others are late: their last answers are taken again
            now = values(total([departed, *kept])).get('requests_total/a"b', 0)
            assert now >= last
            last = now
