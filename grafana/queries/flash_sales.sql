-- The flash sales that were going on in the time shown: the newest first. One is an
-- episode, the windows of one spike of a product.
SELECT
    first_window,
    last_window_end,
    product_id AS product,
    status,
    windows,
    peak_views AS views,
    peak_purchases AS purchases,
    peak_conversion_rate AS conversion,
    all_exact AS exact
FROM alert_episodes
WHERE last_window_end > $__fromTime_ms
  AND first_window <= $__toTime_ms
ORDER BY last_window DESC, views DESC, product
LIMIT 200
