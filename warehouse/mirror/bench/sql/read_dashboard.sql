SELECT toStartOfMinute(timestamp) AS minute, event_type, count() AS events
FROM {{.Table}} FINAL
WHERE timestamp >= '2026-03-01 09:30:00' AND timestamp < '2026-03-01 09:45:00'
GROUP BY minute, event_type
FORMAT Null
