"""What is counted about clean-ups."""

from prometheus_client import Counter, Gauge

DELETED = Counter("clean_up_deleted_total", "What was deleted because its time was over.", ["what"])
LEFT = Gauge("clean_up_left", "1 when the last one ran out of time with more to delete.", ["what"])
LAST = Gauge("clean_up_last_timestamp_seconds", "When this process last finished one.", ["what"])
