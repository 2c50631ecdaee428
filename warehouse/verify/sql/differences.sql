-- What is wrong with the events, by problem. Places are partition, offset on the
-- log, offset of the row.
SELECT problem, total, samples, columns
FROM
(
    SELECT toString(problem) AS problem, uniqExact(identity) AS total,
        groupArray(20)([toInt64(kafka_partition), kafka_offset, row_offset]) AS samples,
        arraySort(arrayMap(c -> toString(c), groupUniqArrayArray(columns))) AS columns
    FROM {judged:Identifier}
    WHERE problem != ''
    GROUP BY problem
    UNION ALL
    -- Rows without a record, and rows of records that are no events.
    SELECT 'extra', uniqExact(kafka_partition, kafka_offset, text_hash), groupArray(20)([toInt64(kafka_partition), kafka_offset, kafka_offset]), []
    FROM {wrong:Identifier}
    WHERE (kafka_partition, kafka_offset) NOT IN
    (
        SELECT kafka_partition, if(problem = 'not_first_copy', row_offset, kafka_offset)
        FROM {judged:Identifier} WHERE problem != ''
    )
)
WHERE total > 0
ORDER BY problem
