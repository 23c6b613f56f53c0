"""What is counted about the service's own work."""

from prometheus_client import Counter

IMPORT_ROWS = Counter("orders_import_rows_total", "Rows of imported files of products, by what became of them.", ["outcome"])
EXPIRED = Counter("orders_expired_total", "Pending orders that were cancelled because nobody paid them in time.")
SETTLED = Counter(
    "orders_payments_settled_total", "Payments that began and were left open by a crash, by what the provider said.", ["outcome"]
)
