-- What can be bought. A deleted product stays as a row: orders refer to it, and stock still comes back to it.
CREATE TABLE products (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sku text NOT NULL,
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    price numeric(12, 2) NOT NULL CHECK (price > 0),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    stock integer NOT NULL CHECK (stock >= 0),
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);

-- A deleted product's SKU may be used again.
CREATE UNIQUE INDEX products_sku ON products (sku) WHERE deleted_at IS NULL;
-- The list is in the order of the ids; this index is that list without the deleted ones.
CREATE INDEX products_listed ON products (id) WHERE deleted_at IS NULL;
CREATE INDEX products_words ON products USING gin (to_tsvector('simple', name || ' ' || sku)) WHERE deleted_at IS NULL;

CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id bigint NOT NULL,
    status text NOT NULL CHECK (status IN ('pending', 'paid', 'shipped', 'delivered', 'cancelled')),
    total numeric(12, 2) NOT NULL CHECK (total > 0),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX orders_by_user ON orders (user_id, id DESC);
CREATE INDEX orders_by_status ON orders (status, id DESC);

-- The SKU, name and price as they were when the order was placed.
CREATE TABLE order_items (
    order_id bigint NOT NULL REFERENCES orders (id),
    position smallint NOT NULL,
    product_id bigint NOT NULL REFERENCES products (id),
    sku text NOT NULL,
    name text NOT NULL,
    quantity integer NOT NULL CHECK (quantity > 0),
    unit_price numeric(12, 2) NOT NULL CHECK (unit_price > 0),
    PRIMARY KEY (order_id, position),
    UNIQUE (order_id, product_id)
);

-- Every attempt to pay, the declined ones too.
CREATE TABLE payments (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id bigint NOT NULL REFERENCES orders (id),
    status text NOT NULL CHECK (status IN ('succeeded', 'declined', 'refunded')),
    method text NOT NULL,
    amount numeric(12, 2) NOT NULL CHECK (amount > 0),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    created_at timestamptz NOT NULL DEFAULT now(),
    refunded_at timestamptz
);

CREATE INDEX payments_by_order ON payments (order_id, id);
-- The last word on charging once, whatever the code does.
CREATE UNIQUE INDEX payments_charged_once ON payments (order_id) WHERE status IN ('succeeded', 'refunded');

-- Our copy of what we need of a user: that there is one. Names and addresses stay with the users service.
CREATE TABLE customers (
    id bigint PRIMARY KEY,
    version integer NOT NULL,
    deleted boolean NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- What was seeded, so that it is seeded once even when it was deleted later.
CREATE TABLE seeds (
    name text PRIMARY KEY,
    seeded_at timestamptz NOT NULL DEFAULT now()
);
