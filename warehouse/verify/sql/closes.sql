-- W3: for each partition and multiple of the pane, the first record after which
-- the watermark is there. An event or a window that comes later finds it so.
INSERT INTO {closes:Identifier}
WITH
    {pane:Int64} AS pane,
    -- The event watermark before each tick.
    before_ticks AS
    (
        SELECT kafka_partition, next_tick, max(h) OVER (PARTITION BY kafka_partition ORDER BY next_tick ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS event_watermark
        FROM (SELECT kafka_partition, next_tick, max(highest) AS h FROM {marks:Identifier} GROUP BY kafka_partition, next_tick)
    ),
    reached AS
    (
        SELECT kafka_partition, boundary, first_offset AS at FROM {marks:Identifier}
        UNION ALL
        SELECT t.kafka_partition, intDiv(b.event_watermark + t.quiet_ms, pane) * pane, t.kafka_offset
        FROM {ticks:Identifier} AS t
        ASOF JOIN before_ticks AS b ON b.kafka_partition = t.kafka_partition AND b.next_tick <= t.kafka_offset
    )
SELECT kafka_partition, max(boundary), close_offset
FROM
(
    SELECT kafka_partition, boundary,
        min(at) OVER (PARTITION BY kafka_partition ORDER BY boundary ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS close_offset
    FROM (SELECT kafka_partition, boundary, min(at) AS at FROM reached GROUP BY kafka_partition, boundary)
)
GROUP BY kafka_partition, close_offset
SETTINGS max_threads = 2
