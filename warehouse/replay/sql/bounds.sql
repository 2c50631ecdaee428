-- What there is to read of each partition: how many rows, and the first offset with
-- which the watermark is as high as it has to come.
SELECT
    kafka_partition,
    toInt64(count()) AS row_count,
    ifNull(minOrNullIf(kafka_offset, toUnixTimestamp64Milli(least(timestamp, received_at)) >= {last:Int64}), max(kafka_offset)) AS last_offset
FROM event_log
WHERE timestamp >= fromUnixTimestamp64Milli({first:Int64}, 'UTC')
GROUP BY kafka_partition
ORDER BY kafka_partition
