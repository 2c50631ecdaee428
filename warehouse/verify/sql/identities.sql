-- Identities that differ between the log and the view, by problem.
-- Places are partition, offset on the log, offset in the view.
SELECT problem, count() AS total,
    groupArray(20)([toInt64(partition), log_offset, row_offset]) AS samples
FROM
(
    SELECT
        identity,
        any(kafka_partition) AS partition,
        countIf(side = 0) AS copies,
        countIf(side = 1) AS rows,
        minIf(kafka_offset, side = 0) AS log_offset,
        minIf(kafka_offset, side = 1) AS row_offset,
        argMinIf(row_hash, kafka_offset, side = 0) AS log_row,
        argMinIf(row_hash, kafka_offset, side = 1) AS view_row,
        multiIf(
            rows = 0, 'missing',
            copies = 0, 'extra',
            rows > 1, 'twice',
            -- A first copy that retention has cut off the log is only in the table.
            row_offset < {starts:Array(Int64)}[partition + 1], '',
            row_offset != log_offset, 'not_first_copy',
            view_row != log_row, 'other_content',
            '') AS problem
    FROM
    (
        SELECT 0 AS side, identity, kafka_partition, kafka_offset,
            sipHash64(content, received_at, kafka_partition) AS row_hash
        FROM {table:Identifier} WHERE kind = 0
        UNION ALL
        -- The same hashes of the same columns as in the table of the log.
        SELECT 1, sipHash64(kafka_key, toString(event_type), timestamp, event_id), kafka_partition, kafka_offset,
            sipHash64(sipHash64(user_id, session_id, product_id, toString(product_category), toString(brand),
                toString(currency), toString(device_type), page_url, order_id, toString(source),
                ifNull(toString(price), '-'), quantity, properties), received_at, kafka_partition)
        FROM events
        -- Partitions the log does not have are extra; what came later is left out.
        WHERE kafka_partition < 0 OR kafka_partition >= length({ends:Array(Int64)})
            OR kafka_offset < {ends:Array(Int64)}[kafka_partition + 1]
    )
    GROUP BY identity
    -- Rows of records that retention has cut off are not on the log any more.
    HAVING problem != '' AND NOT (copies = 0 AND row_offset < {starts:Array(Int64)}[partition + 1])
)
GROUP BY problem
ORDER BY problem
SETTINGS max_bytes_before_external_group_by = 1000000000
