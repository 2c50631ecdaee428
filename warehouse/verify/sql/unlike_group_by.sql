-- What a plain GROUP BY over events counts and the alerts do not: late events
-- and future ones, by their first copies.
SELECT toUInt64(countIf(late)), groupArrayIf(20)([partition, at, at], late), toUInt64(countIf(future)), groupArrayIf(20)([partition, at, at], future)
FROM
(
    SELECT toInt64(e.kafka_partition) AS partition, e.kafka_offset AS at, e.future AS future,
        -- Late: each window that holds it was closed before it came. Of the windows that
        -- a rule judges the last one closes last.
        NOT e.future AND NOT arrayExists((slide, window, after, up_to) ->
            intDiv(least(e.time, up_to), slide) * slide > greatest(after, e.time - window)
                AND intDiv(least(e.time, up_to), slide) * slide + window > e.boundary, j.slides, j.windows, j.afters, j.up_tos) AS late
    FROM
    (
        SELECT e.kafka_partition AS kafka_partition, e.kafka_offset AS kafka_offset, e.time AS time, e.future AS future, c.boundary AS boundary
        FROM
        (
            SELECT kafka_partition, kafka_offset, time, time > received + 300000 AS future
            FROM {stored:Identifier}
            UNION ALL
            SELECT kafka_partition, min(kafka_offset), any(time), min(time > received + 300000)
            FROM {judged:Identifier}
            WHERE problem = 'missing'
            GROUP BY kafka_partition, identity
        ) AS e
        ASOF LEFT JOIN {closes:Identifier} AS c ON c.kafka_partition = e.kafka_partition AND c.close_offset < e.kafka_offset
        -- A window that holds an event ends after it.
        WHERE e.future OR c.boundary > e.time
    ) AS e
    LEFT JOIN
    (
        SELECT kafka_partition, groupArray(slide) AS slides, groupArray(window) AS windows, groupArray(after) AS afters, groupArray(up_to) AS up_tos
        FROM {eras:Identifier}
        GROUP BY kafka_partition
    ) AS j ON j.kafka_partition = e.kafka_partition
)
SETTINGS max_threads = 2
