-- Events that were received during the time shown and are stored, and the
-- seconds from the click to the log: median and 99th percentile.
SELECT
    count() AS events,
    ifNotFinite(round(quantile(0.5)(dateDiff('millisecond', timestamp, received_at)) / 1000, 3), 0) AS median_delay,
    ifNotFinite(round(quantile(0.99)(dateDiff('millisecond', timestamp, received_at)) / 1000, 3), 0) AS slowest_delay
FROM events
WHERE $__timeFilter_ms(received_at)
  AND timestamp >= $__fromTime_ms - INTERVAL 1 DAY
  AND timestamp <= $__toTime_ms + INTERVAL 1 DAY
