-- Our tables, of any run, that nobody has written to for long.
SELECT name
FROM system.tables AS t
WHERE database = currentDatabase() AND startsWith(name, {prefix:String}) AND engine LIKE '%MergeTree'
    AND metadata_modification_time < now() - {seconds:Int64}
    AND name NOT IN
    (
        SELECT table FROM system.parts
        WHERE database = currentDatabase() AND startsWith(table, {prefix:String}) AND modification_time >= now() - {seconds:Int64}
    )
ORDER BY name
