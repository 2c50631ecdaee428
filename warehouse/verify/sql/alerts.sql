-- W1, W2, W4, W8: the windows that closed qualified, against the alerts as they stand.
WITH
    closed AS
    (
        SELECT c.kafka_partition AS partition, c.watermark AS watermark,
            -- Where the log is not read from its beginning, a window that may hold an event
            -- which was received before the first that is read is not judged: one that begins
            -- less than five minutes after that was received.
            if({starts:Array(Int64)}[c.kafka_partition + 1] > 0, f.first + 300000, -1000000000000000) AS judged_from
        FROM (SELECT kafka_partition, max(boundary) AS watermark FROM {closes:Identifier} GROUP BY kafka_partition) AS c
        LEFT JOIN
        (
            SELECT kafka_partition, argMin(received, kafka_offset) AS first
            FROM
            (
                SELECT kafka_partition, kafka_offset, received FROM {stored:Identifier}
                WHERE {starts:Array(Int64)}[kafka_partition + 1] > 0
                    AND (kafka_partition, kafka_offset, text_hash) NOT IN (SELECT kafka_partition, kafka_offset, text_hash FROM {wrong:Identifier})
                UNION ALL
                SELECT kafka_partition, kafka_offset, received FROM {judged:Identifier}
                WHERE {starts:Array(Int64)}[kafka_partition + 1] > 0
            )
            GROUP BY kafka_partition
        ) AS f ON f.kafka_partition = c.kafka_partition
    ),
    judged AS
    (
        SELECT e.kafka_partition AS partition, e.rule AS rule, e.product_id AS product_id, e.start AS start, e.views AS views, e.purchases AS purchases,
            e.qualifies AS qualifies, 1 AS there
        FROM
        (
            SELECT kafka_partition, rule, product_id, start, views, purchases, 1 AS qualifies FROM {expected:Identifier}
            UNION ALL
            -- Those that qualified, and no longer when they closed.
            SELECT kafka_partition, rule, product_id, start, views, purchases, 0 FROM {qualified:Identifier}
            WHERE (kafka_partition, rule, product_id, start) NOT IN (SELECT kafka_partition, rule, product_id, start FROM {expected:Identifier})
        ) AS e
        INNER JOIN closed ON closed.partition = e.kafka_partition
        INNER JOIN {eras:Identifier} AS r ON r.kafka_partition = e.kafka_partition AND r.rule = e.rule
        WHERE e.start > r.after AND e.start <= r.up_to AND e.start + r.window <= closed.watermark AND e.start >= closed.judged_from
    ),
    emitted AS
    (
        -- The rule is 0 where no set that is in force on the log has it.
        SELECT kafka_partition AS partition, toUInt32(indexOf({rules:Array(String)}, a.rule)) AS rule, a.rule AS definition, product_id,
            toUnixTimestamp64Milli(window_start) AS start, toUnixTimestamp64Milli(window_end) AS end, toString(status) AS status,
            views, purchases, version, exact, 1 AS there
        FROM flash_sale_alerts AS a
    )
SELECT problem, count() AS total, countIf(there AND NOT exact) AS inexact,
    groupArrayIf(20)([definition, product, toString(fromUnixTimestamp64Milli(starts_at, 'UTC')), toString(log_views), toString(log_purchases),
        toString(emitted_views), toString(emitted_purchases), emitted_status], problem NOT IN ('', 'retracted')) AS samples
FROM
(
    SELECT
        multiIf(
            t.there = 1 AND t.status = 'firing', 'not_closed',
            t.there = 1 AND t.rule = 0, 'other_rule',
            j.there = 1 AND j.qualifies = 0 AND t.there = 0, 'not_retracted',
            t.there = 0 OR (j.there = 1 AND j.qualifies = 1 AND t.status = 'retracted'), 'missing',
            j.there = 0 OR (j.qualifies = 0 AND t.status = 'confirmed'), 'extra',
            j.there = 1 AND t.exact AND (t.views != j.views OR t.purchases != j.purchases), 'other_counts',
            j.qualifies = 0, 'retracted',
            '') AS problem,
        if(j.there = 1, {rules:Array(String)}[j.rule], t.definition) AS definition,
        if(j.there = 1, j.product_id, t.product_id) AS product,
        if(j.there = 1, j.start, t.start) AS starts_at,
        j.views AS log_views, j.purchases AS log_purchases, t.views AS emitted_views, t.purchases AS emitted_purchases, t.status AS emitted_status,
        t.there AS there, t.exact AS exact
    FROM judged AS j
    FULL JOIN emitted AS t ON t.partition = j.partition AND t.rule = j.rule AND t.product_id = j.product_id AND t.start = j.start
    LEFT JOIN closed AS c ON c.partition = if(j.there = 1, j.partition, t.partition)
    -- Emitted for windows that are not judged, or of a log that has gone on since.
    WHERE j.there = 1 OR (t.start >= c.judged_from AND t.version <= {ends:Array(Int64)}[t.partition + 1]
        AND (t.status = 'confirmed' OR (t.end <= c.watermark AND (t.status = 'firing' OR (t.status = 'retracted' AND t.exact AND t.rule > 0)))))
    ORDER BY starts_at, product
)
GROUP BY problem
ORDER BY problem
SETTINGS max_threads = 2
