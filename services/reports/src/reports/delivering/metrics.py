"""What is counted about deliveries to webhooks."""

from prometheus_client import Counter, Gauge, Histogram

ATTEMPTS = Counter("webhook_attempts_total", "Attempts that ended, by how.", ["outcome"])
ATTEMPT_SECONDS = Histogram(
    "webhook_attempt_seconds", "Time of an attempt.", buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30)
)
ENDED = Counter("webhook_deliveries_total", "Deliveries that ended: succeeded, failed for good.", ["outcome"])
AGE = Histogram(
    "webhook_delivery_age_seconds",
    "Time from the event's coming to the delivery's success, retries included.",
    buckets=(0.25, 0.5, 1, 2.5, 5, 10, 60, 600, 3600, 14400, 86400),
)
IN_HAND = Gauge("webhook_deliveries_in_hand", "Attempts that run in this process.")
PENDING = Gauge("webhook_deliveries_pending", "Deliveries that wait or are retried (counted up to 100,000).")
LATE = Gauge("webhook_deliveries_late_seconds", "How long the oldest due delivery of a webhook that answers waits.")
DISABLED = Gauge("webhooks_disabled", "Webhooks that are disabled, by reason.", ["reason"])
