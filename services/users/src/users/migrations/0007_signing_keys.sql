-- The ring of keys that access tokens are signed with. What a key is good for follows from its times alone
-- (users/domain/signing_keys.py): next, active, retired, gone. A private key is kept encrypted, and only while it may sign.
CREATE TABLE signing_keys (
    key_id text PRIMARY KEY,
    algorithm text NOT NULL CHECK (algorithm IN ('EdDSA', 'ES256')),
    public_jwk jsonb NOT NULL,
    sealed_private text,
    created_at timestamptz NOT NULL,
    signs_from timestamptz NOT NULL,
    signs_until timestamptz,
    withdrawn_at timestamptz,
    withdrawal_published_to text,
    -- Never two that sign at one time; looked at when the transaction ends, in which one takes over from the other.
    CONSTRAINT signing_keys_one_signs EXCLUDE USING gist (tstzrange(signs_from, signs_until) WITH &&)
        WHERE (withdrawn_at IS NULL) DEFERRABLE INITIALLY DEFERRED
);

COMMENT ON COLUMN signing_keys.key_id IS 'The thumbprint of RFC 7638: `kid` of the tokens.';
COMMENT ON COLUMN signing_keys.sealed_private IS 'PKCS 8, encrypted with SIGNING_KEYS_KEY; null once it signs no more.';
COMMENT ON COLUMN signing_keys.signs_until IS 'Null: until another is to follow.';
COMMENT ON COLUMN signing_keys.withdrawal_published_to IS 'The Redis that was told, so that another, or an emptied one, is told again.';

-- Tokens name the generation that they are of. A weaker account begins a new one: what was given before ends, and what is
-- given in the same second does not, which times in whole seconds could not tell apart.
ALTER TABLE users ADD COLUMN token_generation integer NOT NULL DEFAULT 0;
ALTER TABLE revocations ADD COLUMN generation integer;

COMMENT ON COLUMN revocations.generation IS 'The user''s tokens of earlier generations have ended; null: all, by their time.';

CREATE FUNCTION begin_token_generation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.token_generation := OLD.token_generation + 1;
    RETURN NEW;
END $$;

CREATE FUNCTION revoke_token_generation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO revocations (user_id, generation) VALUES (NEW.id, NEW.token_generation);
    RETURN NULL;
END $$;

CREATE TRIGGER user_weakened BEFORE UPDATE OF role, tier, disabled_at ON users FOR EACH ROW
    WHEN ((OLD.role = 'admin' AND NEW.role <> 'admin') OR OLD.tier <> NEW.tier
          OR (OLD.disabled_at IS NULL AND NEW.disabled_at IS NOT NULL))
    EXECUTE FUNCTION begin_token_generation();

CREATE TRIGGER user_weakened_revoked AFTER UPDATE OF role, tier, disabled_at ON users FOR EACH ROW
    WHEN (OLD.token_generation <> NEW.token_generation)
    EXECUTE FUNCTION revoke_token_generation();

DROP TRIGGER user_disabled ON users;
