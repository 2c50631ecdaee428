-- W9: the window whose episode each window joins, or 0 where it begins one: of those
-- that qualified before and start at most a window's length away, which is filled in, the
-- nearest one, and of two that are equally near the earlier one.
INSERT INTO {parents:Identifier}
SELECT kafka_partition, rule, product_id, start,
    (arraySort(n -> (abs(n.1 - start), n.1), arrayFilter(n -> (n.2, n.1) < (first_offset, start), near))[1]).1
FROM
(
    SELECT q.kafka_partition AS kafka_partition, q.rule AS rule, q.product_id AS product_id, q.start AS start, q.first_offset AS first_offset,
        groupArray((q.start, q.first_offset)) OVER
            (PARTITION BY q.kafka_partition, q.product_id ORDER BY q.start RANGE BETWEEN $window PRECEDING AND $window FOLLOWING) AS near
    FROM {qualified:Identifier} AS q
    INNER JOIN {eras:Identifier} AS r ON r.kafka_partition = q.kafka_partition AND r.rule = q.rule
    WHERE q.rule = {rule:UInt32} AND q.start > r.after AND q.start <= r.up_to
        -- Elsewhere a window that qualified may not be known.
        AND {starts:Array(Int64)}[q.kafka_partition + 1] = 0
)
SETTINGS max_threads = 2
