-- The tables of what the log holds, and of what it no longer held, and how each is
-- kept.
SELECT name, engine, engine_full
FROM system.tables
WHERE database = currentDatabase() AND name IN ('event_log', 'alert_log', 'rejected_log', 'gap_log')
ORDER BY name
