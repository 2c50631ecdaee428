-- How many events there are that a rule counts, by spans of time.
SELECT intDiv(time, {span:Int64}) * {span:Int64} AS begin, toInt64(count()) AS rows
FROM
(
    SELECT time FROM {stored:Identifier} WHERE type IN {counts:Array(UInt16)}
    UNION ALL
    SELECT time FROM {judged:Identifier} WHERE type IN {counts:Array(UInt16)}
)
GROUP BY begin
ORDER BY begin
SETTINGS max_threads = 2
