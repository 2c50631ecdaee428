-- W1, W2, W4: the windows that closed qualified, against the confirmed alerts.
WITH
    toInt64({window:Int64}) AS window_ms,
    toInt64({slide:Int64}) AS slide_ms,
    intDiv(window_ms, slide_ms) AS windows,
    closed AS
    (
        SELECT kafka_partition AS partition, max(after_record) AS watermark,
            -- Where retention has cut the log, a window that may hold an event which was
            -- received before the first that is left is not judged: one that begins less
            -- than five minutes after that was received.
            if({starts:Array(Int64)}[kafka_partition + 1] > 0,
               argMinIf(received, kafka_offset, kind = 0) + 300000, toInt64(-1000000000000000)) AS judged_from
        FROM {counted:Identifier}
        GROUP BY kafka_partition
    ),
    expected AS
    (
        SELECT partition, product_id, start, sumIf(n, type = 'view') AS views, sumIf(n, type = 'purchase') AS purchases
        FROM
        (
            -- Equal panes together, before each is spread over its windows.
            SELECT partition, product_id, type, pane, open, count() AS n
            FROM
            (
                -- The first copy that is not in the future.
                SELECT kafka_partition AS partition, any(c.product_id) AS product_id, any(c.type) AS type,
                    any(intDiv(time, slide_ms) * slide_ms) AS pane,
                    -- An event counts in the windows whose end is above the watermark before it.
                    toUInt64(greatest(0, least(windows, intDiv(pane + window_ms - argMin(before, kafka_offset) + slide_ms - 1, slide_ms)))) AS open
                FROM {counted:Identifier} AS c
                WHERE c.kind = 0 AND NOT c.future AND c.type IN ('view', 'purchase')
                GROUP BY c.kafka_partition, c.identity
            )
            GROUP BY partition, product_id, type, pane, open
        )
        ARRAY JOIN arrayMap(k -> pane - toInt64(k) * slide_ms, range(open)) AS start
        GROUP BY partition, product_id, start
        HAVING views > {views_over:UInt64} AND purchases < {purchases_under:UInt64}
    ),
    judged AS
    (
        SELECT expected.*, 1 AS there
        FROM expected
        INNER JOIN closed USING partition
        WHERE start + window_ms <= watermark AND start >= judged_from
    ),
    emitted AS
    (
        SELECT kafka_partition AS partition, product_id, toInt64(toUnixTimestamp64Milli(window_start)) AS start, toString(status) AS status,
            views, purchases, version, exact, 1 AS there
        FROM flash_sale_alerts
        WHERE rule = {rule:String}
    )
SELECT problem, count() AS total,
    groupArrayIf(20)([product, toString(fromUnixTimestamp64Milli(starts_at, 'UTC')), toString(log_views), toString(log_purchases),
        toString(emitted_views), toString(emitted_purchases), emitted_status], problem != '') AS samples
FROM
(
    SELECT
        multiIf(
            t.there = 0 OR (j.there = 1 AND t.status = 'retracted'), 'missing',
            j.there = 1 AND t.status = 'firing', 'not_closed',
            j.there = 0, 'extra',
            j.there = 1 AND t.exact AND (t.views != j.views OR t.purchases != j.purchases), 'other_counts',
            '') AS problem,
        if(j.there = 1, j.product_id, t.product_id) AS product,
        if(j.there = 1, j.start, t.start) AS starts_at,
        j.views AS log_views, j.purchases AS log_purchases, t.views AS emitted_views, t.purchases AS emitted_purchases, t.status AS emitted_status
    FROM judged AS j
    FULL JOIN emitted AS t ON t.partition = j.partition AND t.product_id = j.product_id AND t.start = j.start
    LEFT JOIN closed AS c ON c.partition = if(j.there = 1, j.partition, t.partition)
    -- Emitted for windows that are not judged, or of a log that has gone on since.
    WHERE j.there = 1 OR (t.status = 'confirmed' AND t.start >= c.judged_from AND t.version <= {ends:Array(Int64)}[t.partition + 1])
    ORDER BY starts_at, product
)
GROUP BY problem
ORDER BY problem
