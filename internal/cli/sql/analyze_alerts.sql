-- The final alerts of the rules with these definitions.
SELECT rule, episode_id, product_id, window_start, window_end, views, purchases, round(conversion_rate, 4) AS conversion_rate, status
FROM flash_sale_alerts
WHERE rule IN {rules:Array(String)} AND status = 'confirmed'
ORDER BY window_start, product_id, rule
