-- How far into the log the events of each quarter of an hour reach. The first
-- copy of an event counts: a later one is nothing new.
SELECT toInt64(toUnixTimestamp(toStartOfFifteenMinutes(timestamp))) AS quarter, kafka_partition, max(kafka_offset) AS last
FROM events
WHERE timestamp >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
  AND timestamp < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
GROUP BY quarter, kafka_partition
