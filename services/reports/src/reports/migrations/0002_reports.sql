-- Reports that users asked for. While the job is not finished its row in `jobs` says how far it is;
-- at its end the same transaction writes the end here.
CREATE TABLE reports (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id bigint NOT NULL,
    type text NOT NULL CHECK (type IN ('user_activity', 'order_summary', 'sales')),
    format text NOT NULL CHECK (format IN ('pdf', 'csv', 'json')),
    params jsonb NOT NULL,
    everyone boolean NOT NULL,
    status text NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'succeeded', 'failed', 'cancelled')),
    progress smallint NOT NULL DEFAULT 0,
    sequence bigint NOT NULL DEFAULT 0,
    error text,
    job_id uuid,
    file_name text,
    file_size bigint,
    file_sha256 text,
    created_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    version integer NOT NULL DEFAULT 1,
    CHECK ((status = 'queued') = (finished_at IS NULL)),
    CHECK (status <> 'succeeded' OR file_sha256 IS NOT NULL)
);

COMMENT ON COLUMN reports.everyone IS 'Whether it is about all users, which the requester was allowed when asking.';
COMMENT ON COLUMN reports.sequence IS 'Number of the last change of the job''s progress, kept when the job is forgotten.';
COMMENT ON COLUMN reports.file_name IS 'Within the report''s own directory; made of numbers of ours, never of input.';

CREATE INDEX reports_of_user ON reports (user_id, id DESC);
CREATE INDEX reports_unfinished ON reports (user_id) WHERE finished_at IS NULL;
CREATE UNIQUE INDEX reports_job ON reports (job_id);
