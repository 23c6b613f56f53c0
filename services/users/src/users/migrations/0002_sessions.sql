-- A session is a family of refresh tokens that began with one login and ends as a whole.
CREATE TABLE sessions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    user_agent text NOT NULL,
    address text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    end_reason text CHECK (end_reason IN ('logout', 'ended_by_user', 'token_reused'))
);

COMMENT ON COLUMN sessions.expires_at IS 'Absolute: no refresh moves it (RFC 9700 section 4.14).';

CREATE INDEX sessions_user ON sessions (user_id, id);

CREATE TABLE refresh_tokens (
    digest bytea PRIMARY KEY,
    session_id bigint NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    issued_at timestamptz NOT NULL DEFAULT now(),
    used_at timestamptz
);

COMMENT ON COLUMN refresh_tokens.digest IS 'SHA-256 of the token, which itself is nowhere.';

CREATE INDEX refresh_tokens_session ON refresh_tokens (session_id);
