SELECT
    event_type, timestamp, kafka_key, kafka_partition,
    -- The first row of an identity is the one that counts.
    min(event_log.kafka_offset) AS kafka_offset,
    argMin(event_log.received_at, event_log.kafka_offset) AS received_at,
    count() AS rows
FROM event_log
WHERE event_id = {id:String}
GROUP BY event_type, timestamp, kafka_key, kafka_partition
ORDER BY timestamp, event_type
LIMIT 100
