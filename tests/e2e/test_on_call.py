"""What is on call's screen: a real Prometheus reads the running system and runs each query of alerts and dashboards."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import promql_parser
import pytest
import yaml
from e2e_system import Person, System, eventually, free_ports, get, place_order

from local_stack.services import SERVICES

OBSERVABILITY = Path(__file__).parents[2] / "deploy" / "observability"
RULES = sorted((OBSERVABILITY / "rules").glob("*.yml"))
OF_SEVERAL_WORKERS = {"gateway_worker_restarts_total", "gateway_workers_accepting"}
"""What only a gateway of more than one worker has; the system under test has one."""
OF_EVERY_PROCESS = (
    "Gatehouse: overview: Processes that answer",
    *(f"Gatehouse: services: {one}" for one in ("CPU", "Memory")),
)
OF_EVERY_API = (*OF_EVERY_PROCESS, *(f"Gatehouse: services: {one}" for one in ("Requests", "p99")))
OF_EVERY_WORKER = (
    *OF_EVERY_PROCESS,
    "Gatehouse: overview: Oldest event that waits",
    "Gatehouse: events and jobs: Waiting in the outbox",
)
"""Panels that go by process, and show a service from its first request on."""
SERVICES_FOLDER = Path(__file__).parents[2] / "services"
BOARDS = sorted((OBSERVABILITY / "grafana" / "dashboards").glob("*.json"))

pytestmark = pytest.mark.skipif(not shutil.which("prometheus"), reason="prometheus (Debian's package) is not here")


def rules() -> Iterator[dict[str, str]]:
    for path in RULES:
        for group in yaml.safe_load(path.read_text())["groups"]:
            yield from group["rules"]


def panels() -> Iterator[tuple[str, str, str]]:
    """Title, query and legend."""
    for path in BOARDS:
        board = json.loads(path.read_text())
        for panel in board["panels"]:
            for target in panel.get("targets", ()):
                yield f"{board['title']}: {panel['title']}", target["expr"], target["legendFormat"]


def metrics_of(expression: object) -> set[str]:
    """The series that a parsed expression selects."""
    if isinstance(expression, promql_parser.VectorSelector):
        return {expression.name} if expression.name else set()
    parts = (getattr(expression, name, None) for name in ("lhs", "rhs", "expr", "vector_selector", "vs"))
    found = [metrics_of(part) for part in parts if part is not None]
    found += [metrics_of(argument) for argument in getattr(expression, "args", ())]
    return set[str]().union(*found)


@pytest.fixture(scope="module")
def prometheus(processes: System, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Prometheus with our rules, which has read each process twice."""
    folder = tmp_path_factory.mktemp("prometheus")
    configuration = yaml.safe_load((OBSERVABILITY / "prometheus.yml").read_text())
    ports = {program["name"]: program["port"] for program in processes.status()}
    for job in configuration["scrape_configs"]:
        del job["dns_sd_configs"]
        job["static_configs"] = [{"targets": [f"127.0.0.1:{ports[job['job_name']]}"]}]
    configuration["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    configuration["rule_files"] = [str(path) for path in RULES]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    with free_ports(1) as [port], (folder / "log").open("w") as log:
        arguments = (
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}",
        )
        process = subprocess.Popen(["prometheus", *arguments], stdout=log, stderr=log)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=30, trust_env=False) as client:
                eventually(lambda: _read_all(client), seconds=240, what="Prometheus has read each process twice")
                yield client
        finally:
            process.terminate()
            process.wait(timeout=30)


def _read_all(client: httpx.Client) -> bool:
    try:
        if client.get("/query", params={"query": "up"}).status_code == httpx.codes.SERVICE_UNAVAILABLE:
            return False  # it listens before it answers
    except httpx.TransportError:
        return False
    read = ask(client, "count_over_time(up[1m]) >= 2 and up == 1")
    return len(read) == len(yaml.safe_load((OBSERVABILITY / "prometheus.yml").read_text())["scrape_configs"])


def ask(client: httpx.Client, query: str) -> list[Any]:
    answer = client.get("/query", params={"query": query})
    assert answer.status_code == 200, f"{query}: {answer.text}"
    return answer.json()["data"]["result"]


@pytest.fixture(scope="module")
def known(prometheus: httpx.Client) -> set[str]:
    """Every metric that a process says it has, and what our rules record."""
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    return {"up", *OF_SEVERAL_WORKERS, *recorded, *prometheus.get("/metadata").json()["data"]}


def test_a_request_is_seen(prometheus: httpx.Client, client: httpx.Client, person: Person, product: dict[str, Any]):
    place_order(client, person, product["id"])
    placed = 'sum(gateway_requests_total{route="/api/orders",method="POST",status="201"})'
    eventually(lambda: ask(prometheus, f"{placed} > 0"), what="the order in the gateway's metrics")
    eventually(lambda: ask(prometheus, "gateway:error_ratio:rate5m"), what="the recorded error ratio")


def test_no_alert_is_broken_and_all_they_ask_of_exists(prometheus: httpx.Client, known: set[str]):
    groups = prometheus.get("/rules").json()["data"]["groups"]
    assert [rule["name"] for group in groups for rule in group["rules"] if rule["health"] == "err"] == []
    for rule in rules():
        ask(prometheus, rule["expr"])
    assert {name for rule in rules() for name in unknown(rule["expr"], known)} == set()


def test_each_panel_shows_something_that_exists(prometheus: httpx.Client, known: set[str]):
    for title, query, legend in panels():
        found = ask(prometheus, query)
        # A label that the query does not keep would leave a hole in the legend.
        for series in found:
            assert set(re.findall(r"{{(\w+)}}", legend)) <= set(series["metric"]), title
    assert {name for _, query, _ in panels() for name in unknown(query, known)} == set()


def test_each_service_is_on_the_screens(prometheus: httpx.Client, processes: System):
    ports = {program["name"]: program["port"] for program in processes.status()}
    wanted = set[tuple[str, str]]()
    for name in SERVICES:
        document = json.loads((SERVICES_FOLDER / name / "openapi.json").read_text())
        path = next(path for path, item in document["paths"].items() if "get" in item and "{" not in path)
        get(f"http://127.0.0.1:{ports[name]}{path}")
        wanted |= {(title, name) for title in OF_EVERY_API} | {(title, f"{name}-worker") for title in OF_EVERY_WORKER}

    def lacking() -> set[tuple[str, str]]:
        found = {
            (title, series["metric"]["job"])
            for title, query, _ in panels()
            if title in {*OF_EVERY_API, *OF_EVERY_WORKER}
            for series in ask(prometheus, query)
        }
        return wanted - found

    eventually(lambda: not lacking(), what=f"each service in each panel; lacking {lacking()}")


def test_a_process_that_is_gone_is_on_the_screen(prometheus: httpx.Client, processes: System):
    gone = 'ALERTS{alertname="ProcessDown",job="reports-worker"}'
    # A scrape that is late by a second is one that failed.
    eventually(lambda: not ask(prometheus, gone), what="no alert before")
    processes.kill("reports-worker")
    eventually(lambda: ask(prometheus, gone), what="the alert, pending")
    processes.until_ready()
    eventually(lambda: not ask(prometheus, gone), what="the end of the alert")


def unknown(query: str, known: set[str]) -> set[str]:
    """The metrics of a query that no process has."""
    asked = metrics_of(promql_parser.parse(query))
    return {
        name for name in asked if name not in known and re.sub(r"_(total|bucket|count|sum)$", "", name) not in known
    }
