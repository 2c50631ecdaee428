-- The hours of event_log and how many rows each has, copies included.
SELECT toUnixTimestamp64Milli(toDateTime64(toStartOfHour(timestamp), 3, 'UTC')) AS hour, toInt64(count()) AS rows
FROM event_log
WHERE kafka_partition < 0 OR kafka_partition >= length({ends:Array(Int64)})
    OR (kafka_offset >= {starts:Array(Int64)}[kafka_partition + 1] AND kafka_offset < {ends:Array(Int64)}[kafka_partition + 1])
GROUP BY hour
ORDER BY hour
