"""The services: what each route does, and what the processes are busy with."""

from dashboards.board import Board, Graph, quantile

SERVICES = Board(
    "gatehouse-services",
    "Gatehouse: services",
    "Requests, errors and durations of each service's routes, and the state of its processes.",
    {
        "Routes": [
            Graph(
                "Requests",
                "reqps",
                [("sum by (job, route) (rate(http_server_requests_total[1m]))", "{{job}} {{route}}")],
            ),
            Graph(
                "Failures",
                "reqps",
                [
                    (
                        'sum by (job, route, status) (rate(http_server_requests_total{status=~"5.."}[1m]))',
                        "{{status}} {{job}} {{route}}",
                    )
                ],
            ),
            Graph(
                "p99",
                "s",
                [(quantile(0.99, "http_server_request_duration_seconds", "job", "route"), "{{job}} {{route}}")],
            ),
            Graph(
                "Given up: their time was over",
                "reqps",
                [
                    (
                        "sum by (job, route) (rate(http_server_deadlines_exceeded_total[5m]))",
                        "{{job}} {{route}}",
                    )
                ],
            ),
        ],
        "Processes": [
            Graph(
                "Lateness of the loop, p99",
                "s",
                [(quantile(0.99, "event_loop_lag_seconds", "job", "instance", window="1m"), "{{job}} {{instance}}")],
            ),
            Graph(
                "CPU",
                "percentunit",
                [("sum by (job, instance) (rate(process_cpu_seconds_total[1m]))", "{{job}} {{instance}}")],
            ),
            Graph("Memory", "bytes", [("process_resident_memory_bytes", "{{job}} {{instance}}")]),
            Graph("Open files", "short", [("process_open_fds", "{{job}} {{instance}}")]),
        ],
        "Reads that may be stale": [
            Graph(
                "By the server that answered",
                "ops",
                [("sum by (job, server) (rate(database_stale_reads_total[1m]))", "{{job}} {{server}}")],
            ),
            Graph("Age of what the replica shows", "s", [("max by (job) (database_replica_lag_seconds)", "{{job}}")]),
        ],
    },
)
