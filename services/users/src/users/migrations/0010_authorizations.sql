-- What people allow clients. An authorization is a session with a client and scopes; a browser that is signed in at
-- our own pages is a session with the digest of its cookie and no refresh token. So all that ends sessions ends these.
ALTER TABLE sessions
    ADD COLUMN client_id text,
    ADD COLUMN scopes text[],
    ADD COLUMN browser_digest bytea CONSTRAINT sessions_browser_unique UNIQUE;

COMMENT ON COLUMN sessions.client_id IS 'The OAuth client that was allowed in; null: a login of the person.';
COMMENT ON COLUMN sessions.scopes IS 'What the person allowed the client; no refresh token gives more.';
COMMENT ON COLUMN sessions.browser_digest IS 'SHA-256 of the cookie of a browser that is signed in at our pages.';

-- The code names the ways in which a session ends; here are two more.
ALTER TABLE sessions DROP CONSTRAINT IF EXISTS sessions_end_reason_check;

CREATE INDEX sessions_client ON sessions (client_id) WHERE client_id IS NOT NULL;

-- A code that was used stays for a day: used again it ends the session that it began (RFC 6749 section 4.1.2).
CREATE TABLE oauth_codes (
    digest bytea PRIMARY KEY,
    client_id text NOT NULL,
    user_id bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    browser_session_id bigint NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    redirect_uri text NOT NULL,
    code_challenge text NOT NULL,
    scopes text[] NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    session_id bigint REFERENCES sessions (id) ON DELETE SET NULL
);

COMMENT ON COLUMN oauth_codes.browser_session_id IS 'Where it was allowed: logged out there, the code is worth nothing.';

CREATE INDEX oauth_codes_user ON oauth_codes (user_id);
CREATE INDEX oauth_codes_browser_session ON oauth_codes (browser_session_id);
CREATE INDEX oauth_codes_session ON oauth_codes (session_id);
CREATE INDEX oauth_codes_expires_at ON oauth_codes (expires_at);

CREATE TABLE oauth_consents (
    user_id bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    client_id text NOT NULL,
    scopes text[] NOT NULL,
    given_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, client_id)
);

-- A browser that gave the right password and owes the code of the second factor.
CREATE TABLE oauth_pending_logins (
    digest bytea PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    password_changed_at timestamptz,
    expires_at timestamptz NOT NULL
);

COMMENT ON COLUMN oauth_pending_logins.password_changed_at IS 'When the password that was given was made.';

CREATE INDEX oauth_pending_logins_user ON oauth_pending_logins (user_id);
CREATE INDEX oauth_pending_logins_expires_at ON oauth_pending_logins (expires_at);

-- Triggers, so that no way of ending a session or of removing a client forgets what hangs on it.
CREATE FUNCTION withdraw_consent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM oauth_consents WHERE user_id = NEW.user_id AND client_id = NEW.client_id;
    RETURN NULL;
END $$;

CREATE TRIGGER authorization_ended AFTER UPDATE OF ended_at ON sessions FOR EACH ROW
    WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL AND NEW.client_id IS NOT NULL)
    EXECUTE FUNCTION withdraw_consent();

CREATE FUNCTION end_authorizations() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE sessions SET ended_at = now(), end_reason = 'client_deleted'
    WHERE client_id = OLD.client_id AND ended_at IS NULL;
    DELETE FROM oauth_codes WHERE client_id = OLD.client_id;
    DELETE FROM oauth_consents WHERE client_id = OLD.client_id;
    RETURN NULL;
END $$;

CREATE TRIGGER client_deleted AFTER DELETE ON oauth_clients FOR EACH ROW EXECUTE FUNCTION end_authorizations();
