-- A user whom an admin disabled: nothing is sent in their name, to their webhooks or by their schedules, until enabled.
ALTER TABLE seen_users ADD COLUMN disabled boolean NOT NULL DEFAULT false;
