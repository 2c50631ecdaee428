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
    -- Rows without a record, and rows of records that are no events. Rows of records
    -- that the log has lost since are a gap.
    SELECT 'extra', uniqExact(kafka_partition, kafka_offset, text_hash), groupArray(20)([toInt64(kafka_partition), kafka_offset, kafka_offset]), []
    FROM {wrong:Identifier}
    WHERE (kafka_partition, kafka_offset) NOT IN
    (
        SELECT kafka_partition, if(problem = 'not_first_copy', row_offset, kafka_offset)
        FROM {judged:Identifier} WHERE problem != ''
    )
    AND NOT arrayExists(
        g -> g.1 = kafka_partition AND g.2 <= kafka_offset AND kafka_offset < g.3,
        (SELECT groupArray((partition, from_offset, to_offset)) FROM log_gaps WHERE topic = {topic:String} AND reason = 'lost')
    )
)
WHERE total > 0
ORDER BY problem
