-- Imports of products from a CSV file: a row beside the job that does it, gone with it.
CREATE TABLE product_imports (
    job_id uuid PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    requested_by text NOT NULL,
    mode text NOT NULL CHECK (mode IN ('all_or_nothing', 'skip_bad')),
    file_size bigint NOT NULL CHECK (file_size > 0),
    rows bigint,
    bad_rows bigint,
    created bigint,
    updated bigint,
    applied_at timestamptz
);

COMMENT ON COLUMN product_imports.applied_at IS 'Set in the transaction that writes the products: who finds it set writes none.';

-- What is wrong with single rows; only the first ones of an import are kept.
CREATE TABLE product_import_errors (
    job_id uuid NOT NULL REFERENCES product_imports (job_id) ON DELETE CASCADE,
    position integer NOT NULL,
    line bigint NOT NULL,
    field text NOT NULL,
    message text NOT NULL,
    PRIMARY KEY (job_id, position)
);

-- Products whose version nobody was told of yet: written with an import, emptied in small pieces, so that
-- a million events are not in front of the next order's.
CREATE TABLE unannounced_products (
    product_id bigint NOT NULL,
    version integer NOT NULL
);
