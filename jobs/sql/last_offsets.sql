-- The last offset, in each partition, of the events of each quarter of an hour.
-- The first record of an event counts, so a later duplicate changes nothing.
SELECT toInt64(toUnixTimestamp(toStartOfFifteenMinutes(timestamp))) AS quarter, kafka_partition, max(kafka_offset) AS last
FROM events
WHERE timestamp >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
  AND timestamp < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
GROUP BY quarter, kafka_partition
