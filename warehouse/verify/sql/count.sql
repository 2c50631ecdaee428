-- W1, W2, W5: the windows of a rule that begin in a span of time, as they are when
-- they close, where they qualify. The rule's condition is filled in.
INSERT INTO {expected:Identifier}
WITH
    {window:Int64} AS window_ms,
    {slide:Int64} AS slide_ms,
    intDiv(window_ms, slide_ms) AS windows,
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
SELECT kafka_partition, {rule:UInt32}, product_id, start, sumIf(n, type = {view:UInt16}) AS views, sumIf(n, type = {purchase:UInt16}) AS purchases
FROM
(
    -- Equal panes together, before each is spread over its windows.
    SELECT kafka_partition, product_id, type, pane, open, count() AS n
    FROM
    (
        SELECT e.kafka_partition AS kafka_partition, e.product_id AS product_id, e.type AS type,
            intDiv(e.time, slide_ms) * slide_ms AS pane,
            -- An event counts in the windows whose end is above the watermark before it.
            toUInt64(greatest(0, least(windows, intDiv(pane + window_ms - c.boundary + slide_ms - 1, slide_ms)))) AS open
        FROM counted AS e
        ASOF LEFT JOIN {closes:Identifier} AS c ON c.kafka_partition = e.kafka_partition AND c.close_offset < e.kafka_offset
        -- No window of the other products can qualify.
        WHERE e.product_id IN
        (
            SELECT product_id FROM counted WHERE {needs:UInt16} = 0 OR type = {needs:UInt16}
            GROUP BY product_id HAVING count() > {more:UInt64}
        )
    )
    GROUP BY kafka_partition, product_id, type, pane, open
)
ARRAY JOIN arrayMap(k -> pane - toInt64(k) * slide_ms, range(open)) AS start
WHERE start >= {from:Int64} AND start < {to:Int64}
GROUP BY kafka_partition, product_id, start
HAVING $condition
SETTINGS max_threads = 2
