-- The alerts whose ids begin with a text, and then those of the product with that
-- name, the latest first: two of them.
SELECT alert_id, rule, product_id, window_start, window_end, status, views, purchases, conversion_rate,
       version, episode_id, exact
FROM flash_sale_alerts
WHERE (length({alert:String}) >= 6 AND startsWith(alert_id, {alert:String})) OR product_id = {alert:String}
ORDER BY startsWith(alert_id, {alert:String}) DESC, window_start DESC
LIMIT 2
