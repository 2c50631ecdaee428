-- +goose Up

-- What the jobs make, one partition a day of the shop: a run replaces its
-- day's partition in one step. All counts are of distinct events. Rates are in
-- percent, to four decimal places; one with nothing to divide by is 0.

-- One row per user with an event that day. Events without a user_id are not
-- here: a session is not a person.
CREATE TABLE IF NOT EXISTS user_segmentation_daily{{.OnCluster}}
(
    day           Date,
    user_id       String,
    -- buyer (a purchase), window_shopper (a view or something put into the
    -- cart, no purchase) or unknown.
    segment       LowCardinality(String),
    -- The same, with the window shoppers who put something into the cart as
    -- cart_abandoner and the others as browser.
    finer_segment LowCardinality(String),
    views         UInt64,
    carts         UInt64,
    purchases     UInt64,
    events        UInt64,
    -- Price times quantity of the purchases. What was refunded that day is
    -- not subtracted: it is in refunded.
    revenue       Decimal(38, 4),
    refunded      Decimal(38, 4),
    run_id        UUID
)
ENGINE = {{.Replicated}}MergeTree
PARTITION BY day
ORDER BY (day, user_id);

-- The most viewed products; of equal ones the smaller product_id comes first.
CREATE TABLE IF NOT EXISTS top_products_daily{{.OnCluster}}
(
    day              Date,
    rank             UInt32,
    product_id       String,
    -- The last one that an event of the product named that day, or unknown.
    category         LowCardinality(String),
    views            UInt64,
    -- Distinct users with a view; a viewer without a user_id is its session.
    unique_viewers   UInt64,
    views_per_viewer Float64,
    -- Of the views that carry a price; 0 where none does.
    average_price    Decimal(18, 4),
    carts            UInt64,
    purchases        UInt64,
    view_to_cart     Float64,
    view_to_purchase Float64,
    cart_to_purchase Float64,
    revenue          Decimal(38, 4),
    refunded         Decimal(38, 4),
    run_id           UUID
)
ENGINE = {{.Replicated}}MergeTree
PARTITION BY day
ORDER BY (day, rank);

-- One row per category with a view, cart or purchase. Events that name no
-- category are the category unknown.
CREATE TABLE IF NOT EXISTS conversion_rate_daily{{.OnCluster}}
(
    day              Date,
    category         LowCardinality(String),
    views            UInt64,
    carts            UInt64,
    purchases        UInt64,
    view_to_purchase Float64,
    view_to_cart     Float64,
    cart_to_purchase Float64,
    run_id           UUID
)
ENGINE = {{.Replicated}}MergeTree
PARTITION BY day
ORDER BY (day, category);

-- +goose Down
DROP TABLE IF EXISTS conversion_rate_daily{{.OnCluster}};
DROP TABLE IF EXISTS top_products_daily{{.OnCluster}};
DROP TABLE IF EXISTS user_segmentation_daily{{.OnCluster}};
