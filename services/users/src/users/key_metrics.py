"""What is told about the signing keys, by each process of the API."""

from prometheus_client import Gauge

AGE = Gauge("users_signing_key_age_seconds", "Since when the active key may sign.")
NEXT = Gauge("users_signing_key_next_timestamp_seconds", "When another key signs: as planned, else as it is due.")
PUBLISHED = Gauge("users_signing_keys_published", "Keys in the set that this process publishes.")
UNREADABLE = Gauge("users_signing_keys_unreadable", "Keys that may sign and do not open here.")
READ_AT = Gauge("users_signing_keys_read_timestamp_seconds", "When this process last read the ring.")
