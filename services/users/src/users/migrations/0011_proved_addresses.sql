-- Whether an address is its owner's, what it is to become, and where the last notice of a change goes. Accounts from
-- before have never proved theirs.
ALTER TABLE users
    ADD COLUMN email_verified_at timestamptz,
    ADD COLUMN pending_email text,
    ADD COLUMN pending_email_at timestamptz,
    ADD COLUMN previous_email text,
    ADD COLUMN password_changed_at timestamptz;

COMMENT ON COLUMN users.pending_email IS 'Asked for by the owner, and not proved yet.';
COMMENT ON COLUMN users.previous_email IS 'Until it was told that the address has changed.';

-- More ways of ending a session than the first three; the code names them.
ALTER TABLE sessions DROP CONSTRAINT IF EXISTS sessions_end_reason_check;

-- What a mailed link carries: good once, for one purpose, and for the address that it was mailed to.
CREATE TABLE mailed_tokens (
    digest bytea PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    purpose text NOT NULL,
    email text NOT NULL,
    job_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    ended_at timestamptz
);

COMMENT ON COLUMN mailed_tokens.digest IS 'SHA-256 of the token, which itself is in the mail alone.';
COMMENT ON COLUMN mailed_tokens.job_id IS 'The mail''s job: each of its attempts has a token of its own, and all are good.';

CREATE INDEX mailed_tokens_user ON mailed_tokens (user_id, purpose, created_at);
CREATE INDEX mailed_tokens_expires_at ON mailed_tokens (expires_at);
