-- +goose Up

-- Comparisons with other days are views and not columns of the tables: a day
-- that is run again makes no other day wrong.

-- First-time and repeat buyers, as far back as the table reaches.
CREATE VIEW IF NOT EXISTS user_segmentation_compared{{.OnCluster}} DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    today.*,
    history.first_day AS first_day,
    history.first_day = today.day AS is_new,
    multiIf(today.purchases = 0, '', history.first_purchase_day = today.day, 'first_time', 'repeat') AS buyer_kind
FROM user_segmentation_daily AS today
INNER JOIN
(
    SELECT user_id, min(day) AS first_day, minIf(day, purchases > 0) AS first_purchase_day
    FROM user_segmentation_daily
    GROUP BY user_id
) AS history ON history.user_id = today.user_id;

-- previous_rank is the rank of the day before, rank_change how many places
-- the product went up since; both are NULL for one that was not in the table.
CREATE VIEW IF NOT EXISTS top_products_compared{{.OnCluster}} DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    *,
    -- By the calendar, not by the row: a day may be missing.
    anyOrNull(rank) OVER (PARTITION BY product_id ORDER BY day RANGE BETWEEN 1 PRECEDING AND 1 PRECEDING) AS previous_rank,
    toInt64(previous_rank) - toInt64(rank) AS rank_change
FROM top_products_daily;

-- Changes of view_to_purchase in percentage points: to the day before, and to
-- the mean of those of the seven days before on which the category had views.
-- NULL where there is nothing to compare with.
CREATE VIEW IF NOT EXISTS conversion_rates_compared{{.OnCluster}} DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    *,
    if(views = 0, NULL, round(view_to_purchase - anyOrNullIf(view_to_purchase, views > 0) OVER
        (PARTITION BY category ORDER BY day RANGE BETWEEN 1 PRECEDING AND 1 PRECEDING), 4)) AS change_to_day_before,
    if(views = 0, NULL, round(view_to_purchase - avgOrNullIf(view_to_purchase, views > 0) OVER
        (PARTITION BY category ORDER BY day RANGE BETWEEN 7 PRECEDING AND 1 PRECEDING), 4)) AS change_to_7_day_mean,
    -- Below a hundred views one purchase more is more than a percentage point.
    views >= 100 AND category != 'unknown' AS is_comparable,
    maxOrNullIf(view_to_purchase, is_comparable) OVER (PARTITION BY day) AS highest,
    minOrNullIf(view_to_purchase, is_comparable) OVER (PARTITION BY day) AS lowest,
    is_comparable AND ifNull(highest > lowest AND view_to_purchase = highest, false) AS is_best,
    is_comparable AND ifNull(highest > lowest AND view_to_purchase = lowest, false) AS is_worst
FROM conversion_rate_daily;

-- +goose Down
DROP VIEW IF EXISTS conversion_rates_compared{{.OnCluster}};
DROP VIEW IF EXISTS top_products_compared{{.OnCluster}};
DROP VIEW IF EXISTS user_segmentation_compared{{.OnCluster}};
