-- The newest alert of each episode of a product that is firing.
SELECT alert_id, rule, product_id, window_start, window_end, status, views, purchases, conversion_rate,
       version, episode_id, exact
FROM flash_sale_alerts
WHERE product_id = {product:String} AND status = 'firing'
ORDER BY window_start DESC, alert_id
LIMIT 1 BY if(episode_id = '', alert_id, episode_id)
