-- What a plain GROUP BY over events counts and the alerts do not: late events
-- and future ones, by their first copies.
SELECT toUInt64(countIf(late)), groupArrayIf(20)([partition, at, at], late), toUInt64(countIf(future)), groupArrayIf(20)([partition, at, at], future)
FROM
(
    SELECT toInt64(e.kafka_partition) AS partition, e.kafka_offset AS at, e.future AS future,
        -- Late: its last window, which begins at its pane, was closed before it came.
        NOT e.future AND intDiv(e.time, {slide:Int64}) * {slide:Int64} + {window:Int64} <= c.boundary AS late
    FROM
    (
        SELECT kafka_partition, kafka_offset, time, time > received + 300000 AS future
        FROM {stored:Identifier}
        UNION ALL
        SELECT kafka_partition, min(kafka_offset), any(time), min(time > received + 300000)
        FROM {judged:Identifier}
        WHERE problem = 'missing'
        GROUP BY kafka_partition, identity
    ) AS e
    ASOF LEFT JOIN {closes:Identifier} AS c ON c.kafka_partition = e.kafka_partition AND c.close_offset < e.kafka_offset
)
SETTINGS max_threads = 2
