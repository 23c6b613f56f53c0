"""The first look: are clients served, how fast, and what is the month's budget."""

from dashboards.board import Board, Graph, quantile

_SHORT = '{route!~".*(/events|/content|/imports).*"}'

OVERVIEW = Board(
    "gatehouse-overview",
    "Gatehouse: overview",
    "Requests, errors and durations as clients see them, and the two objectives.",
    {
        "Objectives": [
            Graph(
                "Error budget burn",
                "short",
                [
                    ("gateway:error_ratio:rate5m / 0.001", "5 minutes"),
                    ("gateway:error_ratio:rate1h / 0.001", "1 hour"),
                    ("gateway:error_ratio:rate6h / 0.001", "6 hours"),
                ],
                "1 spends exactly the budget of 0.1 % in 30 days; a page comes at 14.4 and at 6.",
            ),
            Graph(
                "Latency budget burn",
                "short",
                [("gateway:slow_ratio:rate5m / 0.01", "5 minutes"), ("gateway:slow_ratio:rate1h / 0.01", "1 hour")],
                "The part over 500 ms, by the 1 % that may be.",
            ),
            Graph("Processes that answer", "short", [("sum by (job) (up)", "{{job}}")]),
        ],
        "Requests": [
            Graph(
                "Requests by route",
                "reqps",
                [("sum by (route) (rate(gateway_requests_total[1m]))", "{{route}}")],
                stacked=True,
            ),
            Graph(
                "Failures by route",
                "reqps",
                [('sum by (route, status) (rate(gateway_requests_total{status=~"5.."}[1m]))', "{{status}} {{route}}")],
            ),
            Graph(
                "p99 by route",
                "s",
                [(quantile(0.99, "gateway_request_seconds", "route", where=_SHORT), "{{route}}")],
            ),
        ],
        "Behind it": [
            Graph("Oldest event that waits", "s", [("max by (job) (outbox_lag_seconds)", "{{job}}")]),
            Graph("Oldest job that waits", "s", [("max by (type) (jobs_oldest_waiting_seconds)", "{{type}}")]),
            Graph("Set aside", "short", [("max by (queue) (consumer_parked_messages)", "{{queue}}")]),
        ],
    },
)
