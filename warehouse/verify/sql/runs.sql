-- The tables in which runs keep how far they have come.
SELECT name FROM system.tables
WHERE database = currentDatabase() AND startsWith(name, {prefix:String}) AND endsWith(name, '_progress')
ORDER BY metadata_modification_time DESC
