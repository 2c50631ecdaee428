-- +goose Up

-- One row per episode: the windows of one rule and product that qualified near to
-- each other. An alert of a version that knew no episodes is one of its own.
CREATE VIEW IF NOT EXISTS alert_episodes{{.OnCluster}} DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    episode AS episode_id,
    rule,
    product_id,
    -- The starts of the first and the last window, and the end of that.
    min(window_start) AS first_window,
    max(window_start) AS last_window,
    max(window_end) AS last_window_end,
    -- firing while any window is; then ended, or retracted if no window qualified to its end.
    multiIf(max(window_status = 'firing'), 'firing', max(window_status = 'confirmed'), 'ended', 'retracted') AS status,
    count() AS windows,
    -- The counts of the window with the most views, of those that were not retracted
    -- if there are any.
    argMax(views, rank) AS peak_views,
    argMax(purchases, rank) AS peak_purchases,
    argMax(conversion_rate, rank) AS peak_conversion_rate,
    min(exact) AS all_exact,
    -- When the newest of its alerts was written.
    max(received_at) AS updated_at
FROM
(
    SELECT
        if(episode_id = '', alert_id, episode_id) AS episode, rule, product_id, window_start, window_end,
        status AS window_status, views, purchases, conversion_rate, exact, received_at,
        (status != 'retracted', views, window_start) AS rank
    FROM flash_sale_alerts
)
GROUP BY episode, rule, product_id;

-- +goose Down
DROP VIEW IF EXISTS alert_episodes{{.OnCluster}};
