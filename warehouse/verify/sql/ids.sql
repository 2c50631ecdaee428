-- Ids of one key that several events have, and identities with several rows.
WITH repeated AS
(
    SELECT id_hash FROM {stored:Identifier}
    WHERE id_hash % {slices:UInt64} = {slice:UInt64}
    GROUP BY id_hash
    HAVING count() > 1
)
SELECT countIf(events > 1), groupArrayIf(20)([partition, first, last], events > 1),
    toUInt64(sum(more)), groupArrayIf(20)([partition, first, last], more > 0)
FROM
(
    SELECT uniqExact(identity_hash) AS events, count() - events AS more,
        any(toInt64(kafka_partition)) AS partition, min(kafka_offset) AS first, max(kafka_offset) AS last
    FROM {stored:Identifier}
    WHERE id_hash % {slices:UInt64} = {slice:UInt64} AND id_hash IN repeated
    GROUP BY id_hash
)
SETTINGS max_threads = 2
