-- Accounts. `email_key` is the address in one spelling (NFC, case-folded): the unique one, made by
-- users/domain/emails.py, because what lower() does depends on the collation of the database.
CREATE TABLE users (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    email text NOT NULL,
    email_key text NOT NULL CONSTRAINT users_email_key_unique UNIQUE,
    password_hash text NOT NULL,
    role text NOT NULL DEFAULT 'user' CHECK (role IN ('user', 'admin')),
    tier text NOT NULL DEFAULT 'free' CHECK (tier IN ('free', 'pro')),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    disabled_at timestamptz,
    version integer NOT NULL DEFAULT 1
);

-- The admins' list of users, with and without a role.
CREATE INDEX users_role ON users (role, id);
