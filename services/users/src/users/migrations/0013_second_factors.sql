-- A second factor (TOTP, RFC 6238). It counts once `confirmed_at` is set: whoever set it up has shown a code of it.
CREATE TABLE second_factors (
    user_id bigint PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    secret text NOT NULL,
    begun_at timestamptz NOT NULL,
    confirmed_at timestamptz,
    last_step bigint NOT NULL DEFAULT 0,
    failures integer NOT NULL DEFAULT 0,
    window_began_at timestamptz,
    window_failures integer NOT NULL DEFAULT 0
);

COMMENT ON COLUMN second_factors.secret IS 'Encrypted with SECOND_FACTOR_KEY.';
COMMENT ON COLUMN second_factors.last_step IS 'Time step of the last code taken: none of it or before it is taken again.';
COMMENT ON COLUMN second_factors.failures IS 'Wrong codes in a row, ever; window_failures those since window_began_at.';

CREATE TABLE recovery_codes (
    user_id bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    digest bytea NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (user_id, digest)
);

COMMENT ON COLUMN recovery_codes.digest IS 'SHA-256 of a code of 80 random bits, which itself is nowhere.';
