-- Of the records in the ranges of offsets that an import appended: how many are
-- their events' first copies, and how many of those came when the watermark had
-- passed the end of their last window under any rule in force. The watermark is that of the events on
-- the log before the import, so ticks may have made more of them late.
WITH
    before AS
    (
        SELECT kafka_partition AS partition, max(toUnixTimestamp64Milli(least(timestamp, received_at))) - {lateness:Int64} AS watermark
        FROM event_log
        WHERE kafka_offset < {starts:Map(Int32, Int64)}[kafka_partition]
        GROUP BY partition
    ),
    -- Only events of the import's times are looked up.
    first_copies AS
    (
        SELECT kafka_partition AS partition, kafka_offset AS offset, toUnixTimestamp64Milli(timestamp) AS at
        FROM events
        WHERE timestamp BETWEEN fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND fromUnixTimestamp64Milli({to:Int64}, 'UTC')
    )
SELECT
    count(),
    countIf(before.watermark != 0 AND arrayMax(arrayMap((slide, window) -> intDiv(at, slide) * slide + window, {slides:Array(Int64)}, {windows:Array(Int64)})) <= before.watermark)
FROM first_copies
ASOF INNER JOIN appended ON first_copies.partition = appended.partition AND first_copies.offset >= appended.from
LEFT JOIN before ON first_copies.partition = before.partition
WHERE first_copies.offset < appended.to
