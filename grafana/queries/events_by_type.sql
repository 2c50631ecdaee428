-- Events a second, one column for each type that the shop knows.
SELECT
    $__timeInterval(timestamp) AS time,
    round(countIf(event_type = 'view') / $__interval_s, 3) AS views,
    round(countIf(event_type = 'add_to_cart') / $__interval_s, 3) AS "into the cart",
    round(countIf(event_type = 'purchase') / $__interval_s, 3) AS purchases,
    round(countIf(event_type NOT IN ('view', 'add_to_cart', 'purchase')) / $__interval_s, 3) AS others
FROM events
WHERE $__timeFilter_ms(timestamp)
GROUP BY time
-- Steps without an event are drawn as 0 and not as a line across them.
ORDER BY time WITH FILL STEP $__interval_s
