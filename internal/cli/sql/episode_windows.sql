-- The alerts of the episodes that may go on: those that are firing, and the last of
-- the others.
SELECT alert_id, rule, product_id, window_start, window_end, status, views, purchases, conversion_rate,
       version, episode_id, exact
FROM flash_sale_alerts
WHERE if(episode_id = '', alert_id, episode_id) IN
(
    SELECT episode_id
    FROM alert_episodes
    ORDER BY status = 'firing' DESC, last_window DESC
    LIMIT 1000
)
