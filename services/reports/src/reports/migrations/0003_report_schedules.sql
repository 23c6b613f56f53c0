-- Reports by the clock: what to ask for is here, when to ask is in `schedules` under the name `report-schedule-<id>`.
CREATE TABLE report_schedules (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id bigint NOT NULL,
    cron text NOT NULL,
    timezone text NOT NULL,
    type text NOT NULL CHECK (type IN ('user_activity', 'order_summary', 'sales')),
    format text NOT NULL CHECK (format IN ('pdf', 'csv', 'json')),
    params jsonb NOT NULL,
    period text CHECK (period IN ('previous_day', 'previous_week', 'previous_month')),
    everyone boolean NOT NULL,
    notify boolean NOT NULL,
    error text,
    disabled boolean NOT NULL DEFAULT false,
    last_run_at timestamptz,
    last_report_id bigint,
    created_at timestamptz NOT NULL DEFAULT now()
);

COMMENT ON COLUMN report_schedules.everyone IS 'Whether it is about all users: then its owner must be an admin at each run.';
COMMENT ON COLUMN report_schedules.error IS 'Why the last run made no report.';

CREATE INDEX report_schedules_of_user ON report_schedules (user_id, id);

ALTER TABLE reports
    ADD COLUMN notify boolean NOT NULL DEFAULT false,
    ADD COLUMN schedule_id bigint,
    ADD COLUMN scheduled_for timestamptz;

-- However often a run is tried, it makes one report.
CREATE UNIQUE INDEX reports_of_schedule ON reports (schedule_id, scheduled_for) WHERE schedule_id IS NOT NULL;

ALTER TABLE seen_users ADD COLUMN email text;

COMMENT ON COLUMN seen_users.email IS 'Where the mail on a finished report goes. Null until an event tells it, and once the user is deleted.';
