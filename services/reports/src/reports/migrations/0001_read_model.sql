-- What reports have seen of the others, built from their events alone. Every row keeps the version of
-- the aggregate it was made from, so that an older event that comes later changes nothing.
CREATE TABLE seen_users (
    id bigint PRIMARY KEY,
    name text,
    role text,
    registered_at timestamptz,
    deleted boolean NOT NULL DEFAULT false,
    version integer NOT NULL
);

COMMENT ON COLUMN seen_users.name IS 'Null once the user is deleted: orders stay, the person does not.';

CREATE TABLE seen_products (
    id bigint PRIMARY KEY,
    sku text NOT NULL,
    name text NOT NULL,
    price numeric(12, 2) NOT NULL,
    currency text NOT NULL,
    stock integer NOT NULL,
    deleted boolean NOT NULL,
    version integer NOT NULL
);

CREATE TABLE seen_orders (
    id bigint PRIMARY KEY,
    user_id bigint NOT NULL,
    status text NOT NULL,
    total numeric(12, 2) NOT NULL,
    currency text NOT NULL,
    placed_at timestamptz NOT NULL,
    paid_at timestamptz,
    shipped_at timestamptz,
    delivered_at timestamptz,
    cancelled_at timestamptz,
    version integer NOT NULL
);

COMMENT ON COLUMN seen_orders.paid_at IS 'Of the step''s own event, which may come after a newer one; the same for the other steps.';

CREATE INDEX seen_orders_of_user ON seen_orders (user_id, placed_at, id);
CREATE INDEX seen_orders_by_time ON seen_orders (placed_at, id);
CREATE INDEX seen_orders_sold ON seen_orders (paid_at) WHERE cancelled_at IS NULL;

CREATE TABLE seen_order_items (
    order_id bigint NOT NULL REFERENCES seen_orders (id) ON DELETE CASCADE,
    position smallint NOT NULL,
    product_id bigint NOT NULL,
    sku text NOT NULL,
    name text NOT NULL,
    quantity integer NOT NULL,
    unit_price numeric(12, 2) NOT NULL,
    PRIMARY KEY (order_id, position)
);
