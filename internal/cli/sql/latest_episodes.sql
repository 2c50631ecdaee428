-- The last episodes by their windows, the oldest of them first: those of all rules,
-- or of the rules with a name.
SELECT *
FROM
(
    SELECT episode_id, rule, product_id, first_window, last_window, last_window_end, status, windows,
           peak_views, peak_purchases, peak_conversion_rate, all_exact
    FROM alert_episodes
    WHERE {rule:String} = '' OR startsWith(rule, concat({rule:String}, '('))
    ORDER BY last_window DESC, product_id DESC, episode_id DESC
    LIMIT {limit:UInt32}
)
ORDER BY last_window, product_id, episode_id
