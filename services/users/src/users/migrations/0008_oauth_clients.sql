-- Programs that ask for tokens in their own name or in a person's (RFC 6749 section 2).
CREATE TABLE oauth_clients (
    client_id text PRIMARY KEY CHECK (client_id ~ '^[a-z][a-z0-9-]{2,39}$'),
    name text NOT NULL,
    type text NOT NULL CHECK (type IN ('confidential', 'public')),
    grants text[] NOT NULL,
    redirect_uris text[] NOT NULL,
    scopes text[] NOT NULL,
    tier text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    version bigint NOT NULL DEFAULT 1
);

COMMENT ON COLUMN oauth_clients.client_id IS 'Begins with a letter, so that no client is ever taken for a user''s id.';

CREATE INDEX oauth_clients_created ON oauth_clients (created_at DESC, client_id);

CREATE TABLE oauth_client_secrets (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    client_id text NOT NULL REFERENCES oauth_clients (client_id) ON DELETE CASCADE,
    digest bytea NOT NULL,
    prefix text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz
);

COMMENT ON COLUMN oauth_client_secrets.digest IS 'SHA-256 of the secret, which itself is nowhere.';

CREATE INDEX oauth_client_secrets_client ON oauth_client_secrets (client_id, id);

-- What was done to a client and not to a user has the subject 0, which no user has.
ALTER TABLE audit_events ADD COLUMN client_id text;
