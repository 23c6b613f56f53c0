-- What a job is told and tells beside its progress, and the steps that a watcher who comes back has missed.
ALTER TABLE jobs
    ADD COLUMN result jsonb,
    ADD COLUMN checkpoint jsonb,
    ADD COLUMN deadline timestamptz,
    ADD COLUMN turn timestamptz NOT NULL DEFAULT now();

COMMENT ON COLUMN jobs.result IS 'What the handler left for the owner: a small document.';
COMMENT ON COLUMN jobs.checkpoint IS 'Where the next attempt goes on.';
COMMENT ON COLUMN jobs.deadline IS 'A job that is not finished by then fails.';
COMMENT ON COLUMN jobs.turn IS 'The order of those that wait: run_at, a minute earlier for each point of priority.';

UPDATE jobs SET turn = run_at - priority * interval '1 minute' WHERE status = 'queued';

CREATE INDEX jobs_turn ON jobs (type, turn, id) WHERE status = 'queued';
CREATE INDEX jobs_deadline ON jobs (deadline) WHERE deadline IS NOT NULL AND status = 'queued';
CREATE INDEX jobs_cancel_asked ON jobs (id) WHERE cancel_requested AND status = 'queued';

CREATE TABLE job_steps (
    job_id uuid NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    sequence bigint NOT NULL,
    status text NOT NULL,
    percent smallint NOT NULL,
    message text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (job_id, sequence)
);

CREATE INDEX job_steps_at ON job_steps (at);

-- By a trigger, so that no statement that changes a job can forget its step, nor can the release before this one.
CREATE FUNCTION keep_job_step() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO job_steps (job_id, sequence, status, percent, message)
    VALUES (NEW.id, NEW.progress_sequence, NEW.status, NEW.percent, NEW.message)
    ON CONFLICT DO NOTHING;
    DELETE FROM job_steps WHERE job_id = NEW.id AND sequence <= NEW.progress_sequence - 500;
    RETURN NULL;
END
$$;

CREATE TRIGGER keep_job_step AFTER UPDATE OF progress_sequence ON jobs
    FOR EACH ROW EXECUTE FUNCTION keep_job_step();
