-- W4, W9: the windows of a rule that begin in a span of time and qualified after some
-- event, of the products that are followed, with the offset of the first such event.
-- The rule's condition is filled in, and how the counts run that it is made of.
INSERT INTO {qualified:Identifier}
SELECT kafka_partition, {rule:UInt32}, product_id, start, (events[first]).1, views, purchases
FROM
(
    SELECT kafka_partition, product_id, start,
        arraySort(groupArray((kafka_offset, type))) AS events,
        countIf(type = {view:UInt16}) AS views, countIf(type = {purchase:UInt16}) AS purchases,
        arrayFirstIndex(($names) -> $condition, $running) AS first
    FROM ($open)
    ARRAY JOIN arrayMap(k -> pane - toInt64(k) * {slide:Int64}, range(open)) AS start
    WHERE start >= {from:Int64} AND start < {to:Int64}
        AND product_id IN (SELECT product_id FROM {chosen:Identifier} WHERE rule = {rule:UInt32})
    GROUP BY kafka_partition, product_id, start
    HAVING first > 0
)
SETTINGS max_threads = 2
