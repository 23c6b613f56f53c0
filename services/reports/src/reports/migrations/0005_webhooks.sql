-- Where users want to be told of what happens, and what was to be told to whom.
CREATE TABLE webhooks (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id bigint NOT NULL,
    url text NOT NULL,
    description text NOT NULL DEFAULT '',
    events text[] NOT NULL,
    everyone boolean NOT NULL DEFAULT false,
    status text NOT NULL DEFAULT 'enabled' CHECK (status IN ('enabled', 'disabled')),
    disabled_reason text CHECK (disabled_reason IN ('by_owner', 'gone', 'failing')),
    failing_since timestamptz,
    secret text NOT NULL,
    previous_secret text,
    previous_until timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((status = 'disabled') = (disabled_reason IS NOT NULL)),
    CHECK ((previous_secret IS NULL) = (previous_until IS NULL))
);

COMMENT ON COLUMN webhooks.everyone IS 'Whether it hears of all users, which the owner was allowed when asking.';
COMMENT ON COLUMN webhooks.secret IS 'Encrypted with WEBHOOKS_KEY; the same for the previous one.';
COMMENT ON COLUMN webhooks.previous_until IS 'Until when deliveries are signed with the previous secret too.';
COMMENT ON COLUMN webhooks.failing_since IS 'The first failed attempt after the last one that succeeded.';

CREATE INDEX webhooks_of_user ON webhooks (user_id, id DESC);
CREATE INDEX webhooks_by_event ON webhooks USING gin (events) WHERE status = 'enabled';

-- What is told, once for all who hear it: the exact bytes, so that each attempt sends the same.
CREATE TABLE webhook_messages (
    id text PRIMARY KEY,
    type text NOT NULL,
    about_user bigint,
    body bytea NOT NULL,
    traceparent text,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX webhook_messages_by_time ON webhook_messages (created_at);
CREATE INDEX webhook_messages_about_user ON webhook_messages (about_user) WHERE about_user IS NOT NULL;

CREATE TABLE webhook_deliveries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    webhook_id bigint NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    message_id text NOT NULL REFERENCES webhook_messages (id) ON DELETE CASCADE,
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'succeeded', 'failed')),
    attempts integer NOT NULL DEFAULT 0,
    retries integer NOT NULL DEFAULT 0,
    due_at timestamptz DEFAULT now(),
    claimed_until timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    UNIQUE (webhook_id, message_id),
    CHECK ((status = 'pending') = (due_at IS NOT NULL)),
    CHECK ((status = 'pending') = (finished_at IS NULL))
) WITH (fillfactor = 80);

COMMENT ON COLUMN webhook_deliveries.attempts IS 'Counted when one begins; with the id the fence of what is noted of it.';
COMMENT ON COLUMN webhook_deliveries.retries IS 'Place in the schedule of retries; begins anew with a redelivery by hand.';
COMMENT ON COLUMN webhook_deliveries.due_at IS 'Of one in hand the end of its lease: a worker that dies leaves it to another.';

CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_id, due_at) WHERE status = 'pending';
CREATE INDEX webhook_deliveries_in_hand ON webhook_deliveries (webhook_id) WHERE claimed_until IS NOT NULL;
CREATE INDEX webhook_deliveries_of_message ON webhook_deliveries (message_id);

CREATE TABLE webhook_attempts (
    delivery_id bigint NOT NULL REFERENCES webhook_deliveries (id) ON DELETE CASCADE,
    number integer NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    milliseconds integer,
    status_code smallint,
    error text,
    PRIMARY KEY (delivery_id, number)
);

COMMENT ON COLUMN webhook_attempts.milliseconds IS 'Null while it runs, and for ever when the worker died before its end.';
