-- An attempt to pay that has begun: written before the provider is asked, gone once its outcome is written.
-- What a crash leaves here is settled by a job, which asks the provider what came of it.
CREATE TABLE payment_attempts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id bigint NOT NULL UNIQUE REFERENCES orders (id),
    method text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now()
);

COMMENT ON COLUMN payment_attempts.order_id IS 'One at a time: who finds one there is told that a payment runs.';

CREATE INDEX payment_attempts_by_time ON payment_attempts (started_at);

-- The books of the simulated provider, which stands for somebody else's server: written outside of our
-- transactions, and never read but by it.
CREATE TABLE simulated_charges (
    reference text PRIMARY KEY,
    amount numeric(12, 2) NOT NULL,
    currency text NOT NULL,
    charged_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    refunded_at timestamptz
);
