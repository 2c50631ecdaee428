-- Invalid records of the log that are not among the rejected ones, or with other
-- bytes. Long values are kept cut off, so only the others' bytes are compared.
SELECT if(r.there = 0, 'missing', 'other_content') AS problem, count() AS total,
    groupArray(20)([toInt64(l.kafka_partition), l.kafka_offset, l.kafka_offset]) AS samples
FROM (SELECT kafka_partition, kafka_offset, value FROM {table:Identifier} WHERE kind = 1) AS l
LEFT JOIN
(
    SELECT origin_partition, origin_position, 1 AS there,
        groupArray(sipHash64(value)) AS hashes, max(length(value)) AS longest
    FROM rejected_events
    WHERE origin_kind = 'topic' AND origin = {topic:String}
    GROUP BY origin_partition, origin_position
) AS r ON r.origin_partition = l.kafka_partition AND r.origin_position = l.kafka_offset
WHERE r.there = 0 OR (NOT has(r.hashes, l.value) AND r.longest < 900000)
GROUP BY problem
ORDER BY problem
