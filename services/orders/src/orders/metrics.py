"""What is counted about the service's own work."""

from prometheus_client import Counter

IMPORT_ROWS = Counter(
    "orders_import_rows_total", "Rows of imported files of products, by what became of them.", ["outcome"]
)
