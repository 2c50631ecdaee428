-- Rejected records over time, by when they came in.
SELECT
    $__timeInterval(received_at) AS time,
    count() AS rejected
FROM rejected_events
WHERE $__timeFilter_ms(received_at)
GROUP BY time
ORDER BY time WITH FILL FROM toStartOfInterval($__fromTime, INTERVAL $__interval_s second) TO $__toTime STEP $__interval_s
