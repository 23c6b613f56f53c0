-- The picture that came last, the job that makes its thumbnails, and the picture whose thumbnails are shown.
CREATE TABLE avatars (
    user_id bigint PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    upload_id uuid NOT NULL,
    job_id uuid NOT NULL,
    made_id uuid,
    made_at timestamptz
);

COMMENT ON COLUMN avatars.made_id IS 'Names the directory of the thumbnails; null until the first are made.';
