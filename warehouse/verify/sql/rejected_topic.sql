-- The rejected topic against rejected_events: one row for each origin and its
-- bytes, with what the first copy on the topic says.
SELECT problem, count() AS total, groupArray(20)([toInt64(partition), at, at]) AS samples
FROM
(
    SELECT
        if(countIf(side = 0) > 0, anyIf(kafka_partition, side = 0), anyIf(kafka_partition, side = 1)) AS partition,
        if(countIf(side = 0) > 0, minIf(kafka_offset, side = 0), minIf(kafka_offset, side = 1)) AS at,
        multiIf(countIf(side = 1) = 0, 'missing', countIf(side = 1) > 1, 'twice',
            anyIf(kafka_offset, side = 1) < {rejected_starts:Array(Int64)}[anyIf(kafka_partition, side = 1) + 1], '',
            countIf(side = 0) = 0, 'extra',
            argMinIf(content, kafka_offset, side = 0) != anyIf(content, side = 1) OR at != anyIf(kafka_offset, side = 1), 'other_content',
            '') AS problem
    FROM
    (
        SELECT 0 AS side, kafka_partition, kafka_offset, origin, content FROM {rejected:Identifier}
        UNION ALL
        SELECT 1, kafka_partition, kafka_offset,
            sipHash128(toString(origin_kind), origin, origin_request, origin_partition, origin_position, value), sipHash128(toString(reason), field, message, key)
        FROM rejected_events
        WHERE kafka_partition >= 0 AND kafka_offset < {rejected_ends:Array(Int64)}[kafka_partition + 1]
    )
    GROUP BY origin
)
WHERE problem != ''
GROUP BY problem
ORDER BY problem
SETTINGS max_threads = 2, max_bytes_before_external_group_by = 200000000, max_bytes_ratio_before_external_group_by = 0
