-- What the clean-up looks for: reports that are finished, the oldest first.
CREATE INDEX reports_finished ON reports (finished_at) WHERE finished_at IS NOT NULL;
