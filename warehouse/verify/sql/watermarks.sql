-- W3 and W5: each counted event with the windows that its first copy finds open.
-- Times are milliseconds; never is a watermark before any event.
CREATE TABLE {counted:Identifier}
ENGINE = MergeTree
ORDER BY (kafka_partition, kafka_offset)
AS WITH
    -1000000000000000 AS never,
    toInt64({lateness:Int64}) AS lateness
SELECT kafka_partition, kafka_offset, identity, kind, toString(event_type) AS type, product_id,
    toInt64(toUnixTimestamp64Milli(timestamp)) AS time,
    time > received + 300000 AS future,
    before, after_record,
    received
FROM
(
    SELECT *,
        -- The watermark before the record: what the records above it gave.
        max(moved) OVER up_to_before AS before_or_zero,
        if(row_number() OVER up_to_here = 1, never, before_or_zero) AS before,
        max(moved) OVER up_to_here AS after_record
    FROM
    (
        SELECT *,
            -- A tick is valid where the last record with a value is the one it names.
            multiIf(kind != 2, event_watermark,
                    after = last_value AND event_watermark > never, event_watermark + quiet_ms,
                    never) AS moved
        FROM
        (
            SELECT kafka_partition, kafka_offset, kind, identity, event_type, timestamp, product_id, after, quiet_ms,
                toInt64(toUnixTimestamp64Milli(received_at)) AS received,
                max(if(kind = 0, least(toInt64(toUnixTimestamp64Milli(timestamp)), received) - lateness, never)) OVER so_far AS event_watermark,
                max(if(kind = 2, -1, kafka_offset)) OVER so_far AS last_value
            FROM {table:Identifier}
            WINDOW so_far AS (PARTITION BY kafka_partition ORDER BY kafka_offset ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
        )
    )
    WINDOW
        up_to_before AS (PARTITION BY kafka_partition ORDER BY kafka_offset ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING),
        up_to_here AS (PARTITION BY kafka_partition ORDER BY kafka_offset ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
)
