-- The tables that the mirror stores into, and how each is kept.
SELECT name, engine, engine_full
FROM system.tables
WHERE database = currentDatabase() AND name IN ('event_log', 'alert_log', 'rejected_log')
ORDER BY name
