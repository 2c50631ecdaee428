-- W3: what each event makes of the event watermark, by the multiples of the pane
-- that it reaches and by the tick after it. The events are those of a stretch of
-- each partition in which the lateness is the same.
INSERT INTO {marks:Identifier}
SELECT e.kafka_partition, if(t.kafka_offset = 0, 9000000000000000000, t.kafka_offset) AS next_tick,
    intDiv(e.moved, {pane:Int64}) * {pane:Int64} AS boundary, min(e.kafka_offset), max(e.moved)
FROM
(
    SELECT kafka_partition, kafka_offset, least(time, received) - {lateness:Int64} AS moved
    FROM {stored:Identifier}
    WHERE kafka_offset >= {from_offsets:Array(Int64)}[kafka_partition + 1] AND kafka_offset < {to_offsets:Array(Int64)}[kafka_partition + 1]
        AND (kafka_partition, kafka_offset, text_hash) NOT IN (SELECT kafka_partition, kafka_offset, text_hash FROM {wrong:Identifier})
    UNION ALL
    SELECT kafka_partition, kafka_offset, least(time, received) - {lateness:Int64}
    FROM {judged:Identifier}
    WHERE kafka_offset >= {from_offsets:Array(Int64)}[kafka_partition + 1] AND kafka_offset < {to_offsets:Array(Int64)}[kafka_partition + 1]
) AS e
ASOF LEFT JOIN {ticks:Identifier} AS t ON t.kafka_partition = e.kafka_partition AND t.kafka_offset > e.kafka_offset
GROUP BY e.kafka_partition, next_tick, boundary
SETTINGS max_threads = 2
