-- How many sessions have a view, then a cart, then a purchase, in this order.
WITH
    reached AS
    (
        SELECT
            -- A visitor without a session is followed as a user; a pair, so
            -- that the one is never taken for the other.
            (session_id, if(session_id = '', user_id, '')) AS visitor,
            -- The whole time shown: 366 days in milliseconds and more.
            windowFunnel(100000000000)(toUInt64(toUnixTimestamp64Milli(timestamp)),
                event_type = 'view', event_type = 'add_to_cart', event_type = 'purchase') AS steps
        FROM events
        WHERE $__timeFilter_ms(timestamp)
          AND event_type IN ('view', 'add_to_cart', 'purchase')
        GROUP BY visitor
    )
SELECT
    ['1 viewed a product', '2 put one into the cart', '3 bought'][step] AS reached_step,
    countIf(steps >= step) AS sessions,
    if(countIf(steps >= 1) = 0, 0, round(100 * sessions / countIf(steps >= 1), 1)) AS percent
FROM reached
-- A row for every session and step.
ARRAY JOIN [1, 2, 3] AS step
GROUP BY step
ORDER BY step
