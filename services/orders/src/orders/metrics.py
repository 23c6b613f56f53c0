"""What is counted about the service's own work."""

from prometheus_client import Counter

IMPORT_ROWS = Counter(
    "orders_import_rows_total", "Rows of imported files of products, by what became of them.", ["outcome"]
)
EXPIRED = Counter("orders_expired_total", "Pending orders that were cancelled because nobody paid them in time.")
SETTLED = Counter(
    "orders_payments_settled_total",
    "Payments that a crash left open, by what the provider said: charged, not_charged, unknown.",
    ["outcome"],
)
