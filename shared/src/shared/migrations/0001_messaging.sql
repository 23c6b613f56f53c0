-- Messages that wait to be published, written in the transaction of the change they tell of.
-- A row is deleted after the broker's confirm. The one relay reads in the order of `id`; why not in
-- the order of the transaction ids is told in shared/messaging/relay.py.
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id uuid NOT NULL,
    exchange text NOT NULL,
    routing_key text NOT NULL,
    subject text NOT NULL,
    content_type text NOT NULL,
    body bytea NOT NULL,
    traceparent text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempts integer NOT NULL DEFAULT 0,
    retry_at timestamptz
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

COMMENT ON COLUMN outbox.subject IS 'The aggregate: messages of one subject are published one after the other.';
COMMENT ON COLUMN outbox.retry_at IS 'Set when the broker refused the message; it and what follows it on its subject wait.';

CREATE INDEX outbox_refused ON outbox (subject, id) WHERE retry_at IS NOT NULL;

-- Messages whose effect is committed, by consumer: written in the transaction of the effect.
CREATE TABLE inbox (
    consumer text NOT NULL,
    message_id text NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, message_id)
);

CREATE INDEX inbox_received_at ON inbox (received_at);

-- Types of events whose past was fetched from the broker's log into a queue when it was new.
CREATE TABLE backfills (
    queue text NOT NULL,
    type text NOT NULL,
    filled_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (queue, type)
);
