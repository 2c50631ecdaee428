-- How many products were in a flash sale at each step, by the
-- status of the windows: firing (still open), confirmed (closed), or retracted
-- because purchases came.
SELECT
    time,
    -- A product is in several windows at once, and counts once.
    uniqExactIf(product_id, status = 'firing') AS firing,
    uniqExactIf(product_id, status = 'confirmed') AS confirmed,
    uniqExactIf(product_id, status = 'retracted') AS retracted
FROM
(
    SELECT
        product_id,
        status,
        -- Every step that begins in the window, and the one it begins in.
        toDateTime(arrayJoin(range(
            toUInt32(toUnixTimestamp($__timeInterval(window_start))),
            toUInt32(toUnixTimestamp(window_end)),
            toUInt32($__interval_s)))) AS time
    FROM flash_sale_alerts
    WHERE window_end > $__fromTime_ms
      AND window_start <= $__toTime_ms
      -- No window is longer than a day: older months need not be read.
      AND window_start >= $__fromTime_ms - INTERVAL 1 DAY
)
WHERE time >= toStartOfInterval($__fromTime, INTERVAL $__interval_s second)
  AND time <= $__toTime
GROUP BY time
ORDER BY time WITH FILL STEP $__interval_s
