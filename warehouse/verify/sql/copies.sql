-- Identities with copies, identities with conflicting copies, and ids of one key
-- that several events have.
SELECT
    (SELECT count() FROM {table:Identifier} WHERE kind = 0) AS events,
    (SELECT count() FROM {table:Identifier} WHERE kind = 1) AS invalid,
    (SELECT count() FROM {table:Identifier} WHERE kind = 2) AS ticks,
    identities, conflicts, conflict_samples,
    ambiguous, ambiguous_samples
FROM
(
    SELECT count() AS identities, countIf(contents > 1) AS conflicts,
        groupArrayIf(20)([toInt64(partition), first, other], contents > 1) AS conflict_samples
    FROM
    (
        SELECT uniqExact(content) AS contents, any(kafka_partition) AS partition, min(kafka_offset) AS first,
            max(kafka_offset) AS other
        FROM {table:Identifier} WHERE kind = 0
        GROUP BY identity
    )
) AS i,
(
    SELECT count() AS ambiguous, groupArray(20)([toInt64(partition), first, last]) AS ambiguous_samples
    FROM
    (
        SELECT any(kafka_partition) AS partition, min(kafka_offset) AS first, max(kafka_offset) AS last
        FROM {table:Identifier} WHERE kind = 0
        GROUP BY sipHash64(kafka_key, event_id)
        HAVING uniqExact(identity) > 1
    )
) AS a
SETTINGS max_bytes_before_external_group_by = 1000000000
