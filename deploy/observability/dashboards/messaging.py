"""Events and jobs: from the outbox to the effect."""

from dashboards.board import Board, Graph, quantile

MESSAGING = Board(
    "gatehouse-messaging",
    "Gatehouse: events and jobs",
    "The outbox, the consumers, jobs, schedules and webhooks.",
    {
        "Published": [
            Graph("Waiting in the outbox", "short", [("max by (job) (outbox_rows)", "{{job}}")]),
            Graph("Age of the oldest", "s", [("max by (job) (outbox_lag_seconds)", "{{job}}")]),
            Graph(
                "Published",
                "ops",
                [("sum by (routing_key) (rate(outbox_published_total[1m]))", "{{routing_key}}")],
            ),
            Graph(
                "Not confirmed, held",
                "short",
                [
                    ("sum by (reason) (rate(outbox_publish_failures_total[1m]))", "{{reason}} a second"),
                    ("max by (job) (outbox_held_rows)", "held, {{job}}"),
                ],
            ),
        ],
        "Consumed": [
            Graph(
                "Handled by outcome",
                "ops",
                [("sum by (queue, outcome) (rate(consumer_messages_total[1m]))", "{{queue}} {{outcome}}")],
            ),
            Graph(
                "Age when handled, p99",
                "s",
                [(quantile(0.99, "consumer_event_age_seconds", "queue"), "{{queue}}")],
            ),
            Graph("Set aside", "short", [("max by (queue) (consumer_parked_messages)", "{{queue}}")]),
            Graph("Consumers", "short", [("sum by (queue) (consumer_alive)", "{{queue}}")]),
        ],
        "Jobs": [
            Graph("Waiting", "short", [("max by (type) (jobs_waiting)", "{{type}}")]),
            Graph("Running", "short", [("sum by (type) (jobs_running)", "{{type}}")]),
            Graph(
                "Attempts by outcome",
                "ops",
                [("sum by (type, outcome) (rate(jobs_attempts_total[5m]))", "{{type}} {{outcome}}")],
            ),
            Graph(
                "Time of an attempt, p95",
                "s",
                [(quantile(0.95, "jobs_attempt_seconds", "type", window="15m"), "{{type}}")],
            ),
            Graph(
                "Progress of what runs",
                "percent",
                [("max by (job, instance, type) (jobs_progress_percent)", "{{type}} {{instance}}")],
            ),
            Graph(
                "Report files: what their store did not do",
                "ops",
                [("sum by (operation) (rate(report_store_failures_total[5m]))", "{{operation}}")],
            ),
        ],
        "By the clock, and to the outside": [
            Graph("Who fires", "short", [("sum by (job) (schedules_leader)", "{{job}}")]),
            Graph("Lateness of the last firing", "s", [("max by (job_type) (schedules_lag_seconds)", "{{job_type}}")]),
            Graph(
                "Webhooks: attempts by outcome",
                "ops",
                [("sum by (outcome) (rate(webhook_attempts_total[5m]))", "{{outcome}}")],
            ),
            Graph(
                "Webhooks: late",
                "s",
                [("max(webhook_deliveries_late_seconds)", "the oldest that is due")],
            ),
        ],
    },
)
