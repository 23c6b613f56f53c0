-- The login that asked for another address goes on when the address is proved; all others end.
ALTER TABLE users ADD COLUMN pending_email_session bigint;

COMMENT ON COLUMN users.pending_email_session IS 'No foreign key: it may have ended meanwhile.';
