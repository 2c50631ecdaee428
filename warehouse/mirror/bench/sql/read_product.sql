SELECT timestamp, event_type, user_id
FROM {{.Table}} FINAL
WHERE kafka_key = 'prod_00042' AND timestamp >= '2026-03-01 09:30:00' AND timestamp < '2026-03-01 09:45:00'
FORMAT Null
