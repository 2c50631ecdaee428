-- Conversion by category on the last day reported on before the end of the
-- time shown, the best first.
SELECT
    day,
    category,
    views,
    carts,
    purchases,
    view_to_purchase AS conversion,
    view_to_cart,
    cart_to_purchase
FROM conversion_rate_daily
WHERE day = (SELECT max(day) FROM conversion_rate_daily WHERE day <= toDate($__toTime))
ORDER BY conversion DESC, views DESC, category
LIMIT 100
