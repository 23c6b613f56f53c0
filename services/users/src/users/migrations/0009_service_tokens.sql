-- Access tokens that stand for a client itself. Each is a session of one token: its id is its `sid` as well, so that
-- whoever knows of ended sessions knows when it has ended. No foreign key: what ended is told after the client is gone.
CREATE TABLE service_tokens (
    token_id uuid PRIMARY KEY,
    client_id text NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    published_to text
);

COMMENT ON COLUMN service_tokens.published_to IS 'The Redis that was told of its end, so that another, or an emptied one, is told.';

CREATE INDEX service_tokens_client ON service_tokens (client_id);
CREATE INDEX service_tokens_expires_at ON service_tokens (expires_at);
CREATE INDEX service_tokens_revoked ON service_tokens (expires_at) WHERE revoked_at IS NOT NULL;

-- A trigger, so that no way of removing or weakening a client forgets the tokens that are still out.
CREATE FUNCTION revoke_service_tokens() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE service_tokens SET revoked_at = clock_timestamp()
    WHERE client_id = OLD.client_id AND revoked_at IS NULL AND expires_at > now();
    RETURN NULL;
END $$;

CREATE TRIGGER client_weakened AFTER UPDATE OF scopes, grants ON oauth_clients FOR EACH ROW
    WHEN (NOT (NEW.scopes @> OLD.scopes AND NEW.grants @> OLD.grants)) EXECUTE FUNCTION revoke_service_tokens();
CREATE TRIGGER client_removed AFTER DELETE ON oauth_clients FOR EACH ROW EXECUTE FUNCTION revoke_service_tokens();
