-- W5: the events of a rule's windows in a span of time, each once, with the pane in
-- which it lies and in how many windows it counts: this one's and those before.
WITH
    {window:Int64} AS window_ms,
    {slide:Int64} AS slide_ms,
    counted AS
    (
        SELECT kafka_partition, kafka_offset, time, type, product_id
        FROM {stored:Identifier}
        WHERE type IN {counts:Array(UInt16)} AND time >= {from:Int64} AND time < {to:Int64} + window_ms AND time <= received + 300000
            AND cityHash64(product_id) % {slices:UInt64} = {slice:UInt64} AND product_id != ''
            AND (kafka_partition, kafka_offset, text_hash) NOT IN (SELECT kafka_partition, kafka_offset, text_hash FROM {wrong:Identifier})
        UNION ALL
        -- Events without a right row, and those whose first copy does not count
        -- because it was in the future.
        SELECT kafka_partition, min(kafka_offset), any(time), any(type), any(product_id)
        FROM {judged:Identifier}
        WHERE type IN {counts:Array(UInt16)} AND time >= {from:Int64} AND time < {to:Int64} + window_ms AND time <= received + 300000
            AND cityHash64(product_id) % {slices:UInt64} = {slice:UInt64} AND product_id != ''
            AND (problem != ''
                OR (row_offset >= {starts:Array(Int64)}[kafka_partition + 1] AND row_offset < kafka_offset AND time > row_received + 300000))
        GROUP BY kafka_partition, identity
    )
SELECT e.kafka_partition AS kafka_partition, e.kafka_offset AS kafka_offset, e.product_id AS product_id, e.type AS type,
    intDiv(e.time, slide_ms) * slide_ms AS pane,
    -- An event counts in the windows whose end is above the watermark before it.
    toUInt64(greatest(0, least(intDiv(window_ms, slide_ms), intDiv(pane + window_ms - c.boundary + slide_ms - 1, slide_ms)))) AS open
FROM counted AS e
ASOF LEFT JOIN {closes:Identifier} AS c ON c.kafka_partition = e.kafka_partition AND c.close_offset < e.kafka_offset
-- No window of the other products can qualify.
WHERE e.product_id IN
(
    SELECT product_id FROM counted WHERE {needs:UInt16} = 0 OR type = {needs:UInt16}
    GROUP BY product_id HAVING count() > {more:UInt64}
)
