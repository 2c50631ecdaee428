-- The events at some places of the log, or in the view from there.
SELECT kafka_partition, kafka_offset, any(kafka_key), any(event_type), any(ts), any(event_id)
FROM
(
    SELECT kafka_partition, kafka_offset, kafka_key, toString(event_type) AS event_type, toString(timestamp) AS ts, event_id
    FROM {table:Identifier}
    WHERE (kafka_partition, kafka_offset) IN (SELECT arrayJoin(arrayZip({partitions:Array(Int32)}, {offsets:Array(Int64)})))
    UNION ALL
    SELECT kafka_partition, kafka_offset, kafka_key, toString(event_type), toString(timestamp), event_id
    FROM events
    WHERE (kafka_partition, kafka_offset) IN (SELECT arrayJoin(arrayZip({partitions:Array(Int32)}, {offsets:Array(Int64)})))
)
GROUP BY kafka_partition, kafka_offset
