-- Events that came in during the time shown and are stored, and how many
-- seconds they had been under way: half of them, and all but one in a hundred.
SELECT
    count() AS events,
    ifNotFinite(round(quantile(0.5)(dateDiff('millisecond', timestamp, received_at)) / 1000, 3), 0) AS median_delay,
    ifNotFinite(round(quantile(0.99)(dateDiff('millisecond', timestamp, received_at)) / 1000, 3), 0) AS slowest_delay
FROM events
WHERE $__timeFilter_ms(received_at)
  AND timestamp >= $__fromTime_ms - INTERVAL 1 DAY
  AND timestamp <= $__toTime_ms + INTERVAL 1 DAY
