-- Work to be done outside of a request: one row a job, claimed by a worker for the time of a lease.
CREATE TABLE jobs (
    id uuid PRIMARY KEY,
    type text NOT NULL,
    payload jsonb NOT NULL,
    status text NOT NULL DEFAULT 'queued'
        CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    percent smallint NOT NULL DEFAULT 0 CHECK (percent BETWEEN 0 AND 100),
    message text NOT NULL DEFAULT '',
    progress_sequence bigint NOT NULL DEFAULT 0,
    attempt integer NOT NULL DEFAULT 0,
    max_attempts integer NOT NULL DEFAULT 1,
    lease_until timestamptz,
    locked_by uuid,
    cancel_requested boolean NOT NULL DEFAULT false,
    run_at timestamptz NOT NULL DEFAULT now(),
    unique_key text,
    priority smallint NOT NULL DEFAULT 0,
    error text,
    traceparent text,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz,
    CHECK ((status = 'running') = (lease_until IS NOT NULL)),
    CHECK ((status = 'running') = (locked_by IS NOT NULL)),
    CHECK ((status IN ('succeeded', 'failed', 'cancelled')) = (finished_at IS NOT NULL))
);

COMMENT ON COLUMN jobs.progress_sequence IS 'Grows with each change that a watcher is told of.';
COMMENT ON COLUMN jobs.locked_by IS 'The worker that holds the lease; with attempt the fence of every later write.';
COMMENT ON COLUMN jobs.error IS 'For people on call, never for clients.';

CREATE INDEX jobs_waiting ON jobs (priority DESC, run_at, id) WHERE status = 'queued';
CREATE INDEX jobs_leased ON jobs (lease_until) WHERE status = 'running';
CREATE INDEX jobs_finished ON jobs (finished_at) WHERE finished_at IS NOT NULL;
CREATE UNIQUE INDEX jobs_unique ON jobs (type, unique_key) WHERE status IN ('queued', 'running');
