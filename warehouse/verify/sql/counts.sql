-- Counts of the log, with what is right and yet surprises.
SELECT
    events_apart, invalid, not_read, not_read_samples,
    identities_apart, conflicts, conflict_samples,
    (SELECT count() FROM {ticks:Identifier}) AS ticks
FROM
(
    SELECT countIf(kind = 0) AS events_apart, countIf(kind = 1) AS invalid, countIf(kind = 2) AS not_read,
        groupArrayIf(20)([toInt64(kafka_partition), kafka_offset, kafka_offset], kind = 2) AS not_read_samples
    FROM {decoded:Identifier}
) AS d,
(
    SELECT
        -- Those whose row has its record among the rest, and those without a row.
        countIf(problem = '' AND row_offset = kafka_offset)
            + uniqExactIf(identity, problem IN ('missing', 'other_content') OR (row_offset >= 0 AND row_offset < {starts:Array(Int64)}[kafka_partition + 1])) AS identities_apart,
        uniqExactIf(identity, problem = '' AND row_offset < kafka_offset AND notEmpty(columns)) AS conflicts,
        groupArrayIf(20)([toInt64(kafka_partition), row_offset, kafka_offset], problem = '' AND row_offset < kafka_offset AND notEmpty(columns)) AS conflict_samples
    FROM {judged:Identifier}
) AS j
SETTINGS max_threads = 2
