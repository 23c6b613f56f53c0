-- The relay reads by shard: a hash of the subject in eight parts, so that several instances publish side by side
-- and all messages of one aggregate are published by one. An index in the place of a column: nothing is rewritten,
-- and the release before this one runs on. The expression is relay_store.py's, to the letter.
-- What the broker refused is out of it, so that a thousand unroutable messages are not passed over at each read.
CREATE INDEX outbox_waiting ON outbox ((hashtextextended(subject, 0) & 7), id) WHERE retry_at IS NULL;

CREATE INDEX outbox_retries ON outbox (retry_at) WHERE retry_at IS NOT NULL;
