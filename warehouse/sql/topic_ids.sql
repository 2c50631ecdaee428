-- The latest ids of the alerts and the rejected topic, empty where none is
-- recorded.
SELECT argMaxIf(alerts_id, recorded_at, alerts_id != ''), argMaxIf(rejected_id, recorded_at, rejected_id != '')
FROM log_identity
