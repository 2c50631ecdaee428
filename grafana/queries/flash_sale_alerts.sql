-- The flash-sale alerts whose windows begin in the time shown, with what
-- raised them; the newest first.
SELECT
    window_start,
    window_end,
    product_id AS product,
    status,
    views,
    purchases,
    conversion_rate AS conversion,
    -- How long after the window began the alert was last written.
    dateDiff('second', window_start, received_at) AS seconds_after_start,
    exact
FROM flash_sale_alerts
WHERE $__timeFilter_ms(window_start)
ORDER BY window_start DESC, views DESC, product
LIMIT 200
