-- The changes of rules and the ticks before them, in the order of the log, each
-- with the events since the one before: how far they bring the event watermark
-- without the lateness, and the newest that is not in the future (W3, W8).
WITH
    (SELECT groupArray((kafka_partition, last)) FROM (SELECT kafka_partition, max(kafka_offset) AS last FROM {changes:Identifier} GROUP BY kafka_partition)) AS lasts,
    arrayMap(p -> arrayFirst(l -> l.1 = p - 1, lasts).2, range(1, length({ends:Array(Int64)}) + 1)) AS last,
    records AS
    (
        SELECT kafka_partition, kafka_offset, hash, 0 AS quiet_ms FROM {changes:Identifier}
        UNION ALL
        SELECT kafka_partition, kafka_offset, '', quiet_ms FROM {ticks:Identifier} WHERE kafka_offset < last[kafka_partition + 1]
    )
SELECT r.kafka_partition, r.kafka_offset, r.hash, toInt64(r.quiet_ms), e.reached, e.newest
FROM records AS r
LEFT JOIN
(
    SELECT e.kafka_partition AS kafka_partition, n.kafka_offset AS next, max(e.reached) AS reached, maxIf(e.time, e.time <= e.received + 300000) AS newest
    FROM
    (
        SELECT kafka_partition, kafka_offset, time, received, least(time, received) AS reached
        FROM {stored:Identifier}
        WHERE kafka_offset < (SELECT max(kafka_offset) FROM {changes:Identifier}) AND kafka_offset < last[kafka_partition + 1]
            AND (kafka_partition, kafka_offset, text_hash) NOT IN (SELECT kafka_partition, kafka_offset, text_hash FROM {wrong:Identifier})
        UNION ALL
        SELECT kafka_partition, kafka_offset, time, received, least(time, received)
        FROM {judged:Identifier}
        WHERE kafka_offset < last[kafka_partition + 1]
    ) AS e
    ASOF JOIN records AS n ON n.kafka_partition = e.kafka_partition AND n.kafka_offset > e.kafka_offset
    GROUP BY kafka_partition, next
) AS e ON e.kafka_partition = r.kafka_partition AND e.next = r.kafka_offset
ORDER BY r.kafka_partition, r.kafka_offset
SETTINGS max_threads = 2
