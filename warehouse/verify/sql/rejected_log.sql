-- Invalid records of the log against rejected_events, both ways. Long values are
-- kept cut off, so only the others' bytes are compared.
SELECT problem, count() AS total, groupArray(20)([toInt64(partition), at, at]) AS samples
FROM
(
    SELECT partition, at,
        multiIf(anyIf(kind, side = 0) = 1 AND countIf(side = 1) = 0, 'missing',
            anyIf(kind, side = 0) = 1 AND NOT has(groupArrayIf(value_hash, side = 1), anyIf(value_hash, side = 0)) AND maxIf(length, side = 1) < 900000, 'other_content',
            countIf(side = 1) > 0 AND (countIf(side = 2) > 0 OR (countIf(side = 0) > 0 AND anyIf(kind, side = 0) = 0)), 'valid',
            '') AS problem
    FROM
    (
        SELECT 0 AS side, kafka_partition AS partition, kafka_offset AS at, kind, value_hash, 0 AS length
        FROM {decoded:Identifier}
        UNION ALL
        SELECT 1, origin_partition, origin_position, 0, murmurHash3_128(value), length(value)
        FROM rejected_events
        WHERE origin_kind = 'topic' AND origin = {topic:String}
        UNION ALL
        SELECT 2, kafka_partition, kafka_offset, 0, text_hash, 0
        FROM {stored:Identifier}
        WHERE (kafka_partition, kafka_offset) IN
        (
            SELECT origin_partition, origin_position FROM rejected_events
            WHERE origin_kind = 'topic' AND origin = {topic:String}
        )
    )
    GROUP BY partition, at
)
WHERE problem != ''
GROUP BY problem
ORDER BY problem
SETTINGS max_threads = 2, max_bytes_before_external_group_by = 200000000, max_bytes_ratio_before_external_group_by = 0
