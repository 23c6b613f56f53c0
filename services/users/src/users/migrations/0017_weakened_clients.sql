-- What a client may no longer do, no token of it says: what people allowed it ends with a grant that it loses, and where
-- it was more than is left. A trigger, so that no way of weakening a client forgets the tokens that are still out.
CREATE FUNCTION end_wider_authorizations() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE sessions SET ended_at = now(), end_reason = 'client_weakened'
    WHERE client_id = NEW.client_id AND ended_at IS NULL
        AND NOT (NEW.grants @> OLD.grants AND NEW.scopes @> sessions.scopes);
    RETURN NULL;
END $$;

CREATE TRIGGER client_weakened_for_people AFTER UPDATE OF scopes, grants ON oauth_clients FOR EACH ROW
    WHEN (NOT (NEW.scopes @> OLD.scopes AND NEW.grants @> OLD.grants)) EXECUTE FUNCTION end_wider_authorizations();

COMMENT ON COLUMN known_devices.digest IS 'SHA-256 of the network. Of a browser nothing is kept: it shows a signed cookie.';
