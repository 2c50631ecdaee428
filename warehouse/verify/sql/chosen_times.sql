-- How many events there are that a rule counts, of the products that are followed,
-- by spans of time.
SELECT intDiv(time, {span:Int64}) * {span:Int64} AS begin, toInt64(count()) AS rows
FROM
(
    SELECT time, product_id FROM {stored:Identifier} WHERE type IN {counts:Array(UInt16)}
    UNION ALL
    SELECT time, product_id FROM {judged:Identifier} WHERE type IN {counts:Array(UInt16)}
)
WHERE product_id IN (SELECT product_id FROM {chosen:Identifier} WHERE rule = {rule:UInt32})
GROUP BY begin
ORDER BY begin
SETTINGS max_threads = 2
