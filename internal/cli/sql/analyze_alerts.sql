-- The final alerts of a rule.
SELECT product_id, window_start, window_end, views, purchases, round(conversion_rate, 4) AS conversion_rate, status
FROM flash_sale_alerts
WHERE rule = {rule:String} AND status = 'confirmed'
ORDER BY window_start, product_id
