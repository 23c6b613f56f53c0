-- The record of who did what to whom becomes one of security: from where, by which program, how often. Nobody is the
-- actor of what a stranger tried.
ALTER TABLE audit_events
    ALTER COLUMN actor_id DROP NOT NULL,
    ADD COLUMN address text,
    ADD COLUMN user_agent text,
    ADD COLUMN occurrences integer NOT NULL DEFAULT 1;

COMMENT ON COLUMN audit_events.occurrences IS 'How often within about a second: failed logins are counted together.';

CREATE INDEX audit_events_action ON audit_events (action, id DESC);
CREATE INDEX audit_events_created_at ON audit_events (created_at);

-- Only ever added to, by the owner of the table too; what is old enough may go.
CREATE FUNCTION keep_on_record() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.created_at < now() - interval '30 days' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'audit_events is only added to' USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER on_record BEFORE UPDATE OR DELETE ON audit_events FOR EACH ROW EXECUTE FUNCTION keep_on_record();
CREATE TRIGGER all_on_record BEFORE TRUNCATE ON audit_events FOR EACH STATEMENT EXECUTE FUNCTION keep_on_record();

-- No route disables an account: it is done by hand, and is on record all the same.
CREATE FUNCTION record_disabled() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_events (action, subject_id) VALUES ('user.disabled', NEW.id);
    RETURN NULL;
END $$;

CREATE TRIGGER user_disabled_on_record AFTER UPDATE OF disabled_at ON users
    FOR EACH ROW WHEN (OLD.disabled_at IS NULL AND NEW.disabled_at IS NOT NULL) EXECUTE FUNCTION record_disabled();

-- Where the owner has logged in before: a browser that was given a token, or a network.
CREATE TABLE known_devices (
    user_id bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    digest bytea NOT NULL,
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, digest)
);

COMMENT ON COLUMN known_devices.digest IS 'SHA-256 of the token, or of the network.';

CREATE INDEX known_devices_last_seen_at ON known_devices (last_seen_at);
