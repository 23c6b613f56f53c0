"""What is counted about schedules; by job type, since the names of users' schedules have no bound."""

from prometheus_client import Counter, Gauge

FIRED = Counter("schedules_fired_total", "Times at which a job was queued.", ["job_type"])
MISSED = Counter("schedules_missed_total", "Times that were left out, as the schedule's policy says.", ["job_type"])
LAST = Gauge("schedules_last_fire_timestamp_seconds", "When this process last queued one.", ["job_type"])
LAG = Gauge("schedules_lag_seconds", "How late the last one was queued.", ["job_type"])
LEADS = Gauge("schedules_leader", "Whether this process is the one that fires.")
