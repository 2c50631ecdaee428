-- The events at some places of the log, or stored from there.
WITH places AS (SELECT arrayJoin(arrayZip({partitions:Array(Int32)}, {offsets:Array(Int64)})))
SELECT kafka_partition, kafka_offset, any(k), any(event_type), any(ts), any(event_id)
FROM
(
    SELECT kafka_partition, kafka_offset, key AS k, event_type, toString(timestamp) AS ts, event_id
    FROM {decoded:Identifier}
    WHERE kind = 0 AND (kafka_partition, kafka_offset) IN places
    UNION ALL
    SELECT kafka_partition, kafka_offset, kafka_key, toString(event_type), toString(timestamp), event_id
    FROM event_log
    PREWHERE kafka_offset IN {offsets:Array(Int64)}
    WHERE (kafka_partition, kafka_offset) IN places
)
GROUP BY kafka_partition, kafka_offset
