-- The last alerts by their windows, the oldest of them first: those of all rules,
-- or of the rules with a name.
SELECT *
FROM
(
    SELECT alert_id, rule, product_id, window_start, window_end, status, views, purchases, conversion_rate,
           version, episode_id, exact
    FROM flash_sale_alerts
    WHERE {rule:String} = '' OR startsWith(rule, concat({rule:String}, '('))
    ORDER BY window_start DESC, product_id DESC
    LIMIT {limit:UInt32}
)
ORDER BY window_start, product_id
