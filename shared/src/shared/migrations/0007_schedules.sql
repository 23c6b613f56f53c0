-- What is queued by the clock: of the code (owner is null) and of users.
CREATE TABLE schedules (
    name text PRIMARY KEY,
    owner text,
    cron text NOT NULL,
    timezone text NOT NULL,
    job_type text NOT NULL,
    payload jsonb NOT NULL,
    missed text NOT NULL CHECK (missed IN ('skip', 'once', 'all')),
    next_fire timestamptz NOT NULL,
    last_fire timestamptz,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX schedules_next_fire ON schedules (next_fire);
CREATE INDEX schedules_owner ON schedules (owner, name) WHERE owner IS NOT NULL;

-- The times that were fired, in the transaction that queued the job: whoever leads, none is fired twice.
CREATE TABLE schedule_fires (
    schedule text NOT NULL,
    fire_time timestamptz NOT NULL,
    fired_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (schedule, fire_time)
);

CREATE INDEX schedule_fires_fired_at ON schedule_fires (fired_at);
