-- Which tables these are: what a replicated table's replicas share, or the
-- table's own id. A table that was dropped and created again has another one.
SELECT if(replicas.zookeeper_path != '', lower(hex(sipHash128(replicas.zookeeper_path))), toString(tables.uuid))
FROM system.tables AS tables
LEFT JOIN system.replicas AS replicas ON tables.database = replicas.database AND tables.name = replicas.table
WHERE tables.database = currentDatabase() AND tables.name = 'event_log'
