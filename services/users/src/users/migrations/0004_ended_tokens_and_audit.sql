-- Access tokens that have ended before their `exp`, until the last of them has expired. Triggers write them, so
-- that no way of ending a session, or of disabling an account by hand, forgets the tokens that are still out.
CREATE TABLE revocations (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id bigint NOT NULL,
    session_id bigint,
    revoked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL DEFAULT clock_timestamp() + interval '16 minutes',
    published_to text
);

COMMENT ON COLUMN revocations.session_id IS 'Only this session''s tokens; null: all that the user was given so far.';
COMMENT ON COLUMN revocations.expires_at IS 'An access token lives for 15 minutes, and clocks differ.';
COMMENT ON COLUMN revocations.published_to IS 'The Redis that was told, so that another, or an emptied one, is told again.';

CREATE INDEX revocations_expires_at ON revocations (expires_at);

CREATE FUNCTION revoke_session() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO revocations (user_id, session_id) VALUES (NEW.user_id, NEW.id);
    RETURN NULL;
END $$;

CREATE TRIGGER session_ended AFTER UPDATE OF ended_at ON sessions
    FOR EACH ROW WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL) EXECUTE FUNCTION revoke_session();

CREATE FUNCTION revoke_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO revocations (user_id) VALUES (OLD.id);
    RETURN NULL;
END $$;

CREATE TRIGGER user_disabled AFTER UPDATE OF disabled_at ON users
    FOR EACH ROW WHEN (OLD.disabled_at IS NULL AND NEW.disabled_at IS NOT NULL) EXECUTE FUNCTION revoke_user();
CREATE TRIGGER user_deleted AFTER DELETE ON users FOR EACH ROW EXECUTE FUNCTION revoke_user();

-- Who did what to whom: ids only, so that it can stay when the person goes.
CREATE TABLE audit_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    action text NOT NULL,
    actor_id bigint NOT NULL,
    subject_id bigint NOT NULL,
    request_id text,
    created_at timestamptz NOT NULL DEFAULT now()
);

COMMENT ON COLUMN audit_events.subject_id IS 'The user it was done to; no foreign key, since the user may be gone.';

CREATE INDEX audit_events_subject ON audit_events (subject_id, id DESC);
