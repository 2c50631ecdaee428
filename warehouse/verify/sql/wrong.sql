-- Rows at places where the log says something else.
INSERT INTO {wrong:Identifier}
SELECT kafka_partition, kafka_offset, text_hash
FROM {stored:Identifier}
WHERE kafka_partition < 0 OR kafka_partition >= length({ends:Array(Int64)})
    OR (kafka_partition, kafka_offset) IN
    (
        SELECT kafka_partition, if(problem = 'not_first_copy', row_offset, kafka_offset)
        FROM {judged:Identifier}
        WHERE problem = 'not_first_copy' OR (stored AND (problem != '' OR row_offset != kafka_offset))
        UNION ALL
        SELECT kafka_partition, kafka_offset FROM {decoded:Identifier} WHERE kind = 1 AND stored
    )
