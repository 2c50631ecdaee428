-- Purchases and carts per 100 views, over time.
SELECT
    $__timeInterval(timestamp) AS time,
    -- A step without views has no rate, which is not the same as 0.
    if(countIf(event_type = 'view') = 0, NULL,
        round(100 * countIf(event_type = 'purchase') / countIf(event_type = 'view'), 2)) AS purchases,
    if(countIf(event_type = 'view') = 0, NULL,
        round(100 * countIf(event_type = 'add_to_cart') / countIf(event_type = 'view'), 2)) AS carts
FROM events
WHERE $__timeFilter_ms(timestamp)
  -- The first columns of the sort key: other types are not read.
  AND event_type IN ('view', 'add_to_cart', 'purchase')
GROUP BY time
ORDER BY time
