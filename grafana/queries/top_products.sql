-- The most viewed products of the last day reported on before the end of the
-- time shown.
SELECT
    day,
    rank,
    product_id AS product,
    category,
    views,
    unique_viewers,
    average_price,
    carts,
    purchases,
    view_to_purchase AS conversion,
    revenue
FROM top_products_daily
WHERE day = (SELECT max(day) FROM top_products_daily WHERE day <= toDate($__toTime))
ORDER BY rank
