"""The gateway from inside: saturation, what it sends requests to, limits, cache, identity."""

from dashboards.board import Board, Graph

GATEWAY = Board(
    "gatehouse-gateway",
    "Gatehouse: gateway",
    "What the gateway decides about requests, and what it sends them to.",
    {
        "Load": [
            Graph("In flight", "short", [("sum by (instance) (gateway_requests_in_flight)", "{{instance}}")]),
            Graph("Connections of clients", "short", [("sum by (state) (gateway_client_connections)", "{{state}}")]),
            Graph(
                "CPU",
                "percentunit",
                [('sum by (instance) (rate(process_cpu_seconds_total{job="gateway"}[1m]))', "{{instance}}")],
                "Of one core; a worker is full at 1.",
            ),
            Graph("Workers", "short", [("gateway_workers_accepting", "{{instance}}")]),
        ],
        "Refused": [
            Graph(
                "Refused by the gateway, by code",
                "reqps",
                [("sum by (code) (rate(gateway_refusals_total[1m]))", "{{code}}")],
            ),
            Graph(
                "Over a limit",
                "reqps",
                [("sum by (limit) (rate(gateway_limit_rejections_total[1m]))", "{{limit}}")],
            ),
            Graph(
                "Shed as overload",
                "reqps",
                [
                    (
                        "sum by (upstream, priority) (rate(gateway_upstream_shed_total[1m]))",
                        "{{upstream}} {{priority}}",
                    )
                ],
            ),
        ],
        "Upstreams": [
            Graph(
                "In flight against the limit",
                "short",
                [
                    ("sum by (upstream) (gateway_upstream_in_flight)", "{{upstream}}"),
                    ("sum by (upstream) (gateway_upstream_concurrency_limit)", "limit of {{upstream}}"),
                ],
            ),
            Graph("Wait for a connection", "short", [("sum by (upstream) (gateway_upstream_waiting)", "{{upstream}}")]),
            Graph(
                "Attempts by outcome",
                "reqps",
                [
                    (
                        "sum by (upstream, outcome) (rate(gateway_target_attempts_total[1m]))",
                        "{{upstream}} {{outcome}}",
                    )
                ],
            ),
            Graph(
                "Open breakers, unusable targets",
                "short",
                [
                    ('max by (upstream) (gateway_upstream_breaker{state="open"})', "breaker of {{upstream}}"),
                    ("1 - min by (target) (gateway_target_usable)", "{{target}}"),
                ],
            ),
        ],
        "Kept and shared": [
            Graph("Cache by outcome", "reqps", [("sum by (outcome) (rate(gateway_cache_total[1m]))", "{{outcome}}")]),
            Graph(
                "Redis, for limits and for ended tokens",
                "short",
                [
                    ("min by (instance) (gateway_limiter_up)", "limits, {{instance}}"),
                    ("min by (instance) (gateway_revocations_up)", "ended tokens, {{instance}}"),
                ],
            ),
            Graph(
                "Deprecated versions in use",
                "reqps",
                [
                    (
                        "sum by (route, version, consumer) (rate(gateway_deprecated_requests_total[5m]))",
                        "v{{version}} {{route}} {{consumer}}",
                    )
                ],
                "Who must be told before the sunset.",
            ),
        ],
    },
)
