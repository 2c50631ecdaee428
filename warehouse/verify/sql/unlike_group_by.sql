-- What a plain GROUP BY over events counts and the alerts do not: late events
-- and future ones, by their first copies.
SELECT if(is_future, 'future', 'late') AS what, count() AS total,
    groupArray(20)([toInt64(partition), at, at]) AS samples
FROM
(
    SELECT kafka_partition AS partition, min(future) AS is_future, minIf(kafka_offset, NOT future) AS first, min(kafka_offset) AS any_first,
        if(is_future, any_first, first) AS at,
        argMinIf(before, kafka_offset, NOT future) AS watermark,
        any(intDiv(time, {slide:Int64}) * {slide:Int64}) AS pane
    FROM {counted:Identifier}
    WHERE kind = 0
    GROUP BY kafka_partition, identity
)
-- Late: its last window, which begins at its pane, was closed before it came.
WHERE is_future OR pane + {window:Int64} <= watermark
GROUP BY what
ORDER BY what
