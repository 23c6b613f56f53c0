"""What is counted about jobs."""

from prometheus_client import Counter, Gauge, Histogram

WAITING = Gauge("jobs_waiting", "Jobs that could start now (counted up to 100,000).", ["type"])
OLDEST = Gauge("jobs_oldest_waiting_seconds", "For how long the oldest of them could have started.", ["type"])
RUNNING = Gauge("jobs_running", "Jobs that run in this process.", ["type"])
PROGRESS = Gauge("jobs_progress_percent", "How far the job is that told so last, of those that run here.", ["type"])
ENDED = Counter("jobs_attempts_total", "Attempts that ended, by how (lost: another took over).", ["type", "outcome"])
SECONDS = Histogram(
    "jobs_attempt_seconds", "Time of an attempt.", ["type"], buckets=(0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800)
)
