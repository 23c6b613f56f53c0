"""What is counted about messages; the names are for dashboards and alerts."""

from prometheus_client import Counter, Gauge, Histogram

OUTBOX_ROWS = Gauge("outbox_rows", "Messages that wait to be published (counted up to 100,000).")
OUTBOX_LAG = Gauge("outbox_lag_seconds", "Age of the oldest message that waits to be published.")
OUTBOX_SHARDS = Gauge("outbox_shards_led", "Shards of the outbox, of eight, that this process publishes.")
OUTBOX_HELD = Gauge("outbox_held_rows", "Messages that wait because the broker refused them or one before them.")
OUTBOX_BLOCKED = Gauge("outbox_blocked", "1 while the broker, short of memory or disk, takes no publications.")
OUTBOX_BATCH = Histogram(
    "outbox_batch_messages", "Messages handed to the broker in one write.", buckets=(1, 5, 20, 50, 100, 200, 500, 1000)
)
OUTBOX_CONFIRM = Histogram("outbox_confirm_seconds", "From the write to the confirm, of the first each confirm tells.")
PUBLISHED = Counter("outbox_published_total", "Messages the broker confirmed.", ["routing_key"])
PUBLISH_FAILURES = Counter("outbox_publish_failures_total", "Publications that were not confirmed.", ["reason"])

BUS_CONNECTED = Gauge("bus_connected", "1 while the connection to the broker stands.")
TOPOLOGY_CONFLICTS = Counter(
    "bus_topology_conflicts_total", "Queues or exchanges that exist with other arguments.", ["name"]
)

CONSUMERS_ALIVE = Gauge("consumer_alive", "1 while this process consumes the queue.", ["queue"])
CONSUMED = Counter("consumer_messages_total", "Messages handled, by how it ended.", ["queue", "outcome"])
HANDLING = Histogram("consumer_handling_seconds", "Time of one run of the handler.", ["queue"])
EVENT_AGE = Histogram(
    "consumer_event_age_seconds",
    "Time from an event to the commit of its effect.",
    ["queue"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 1800, 7200, 86400),
)
BATCHES = Histogram(
    "consumer_batch_messages",
    "Messages that were settled together.",
    ["queue"],
    buckets=(1, 2, 5, 10, 20, 50, 100, 200),
)
BATCHES_SPLIT = Counter(
    "consumer_batches_split_total", "Batches rolled back because of one message, and handled one by one.", ["queue"]
)
RESUBSCRIBED = Counter("consumer_resubscribed_total", "Times a consumer that was lost came back.", ["queue"])
PARKED = Gauge("consumer_parked_messages", "Messages set aside after their retries.", ["queue"])
