-- W1, W2: the windows of a rule that begin in a span of time, as they are when they
-- close, where they qualify. The rule's condition is filled in.
INSERT INTO {expected:Identifier}
SELECT kafka_partition, {rule:UInt32}, product_id, start, sumIf(n, type = {view:UInt16}) AS views, sumIf(n, type = {purchase:UInt16}) AS purchases
FROM
(
    -- Equal panes together, before each is spread over its windows.
    SELECT kafka_partition, product_id, type, pane, open, count() AS n
    FROM ($open)
    GROUP BY kafka_partition, product_id, type, pane, open
)
ARRAY JOIN arrayMap(k -> pane - toInt64(k) * {slide:Int64}, range(open)) AS start
WHERE start >= {from:Int64} AND start < {to:Int64}
GROUP BY kafka_partition, product_id, start
HAVING $condition
SETTINGS max_threads = 2
