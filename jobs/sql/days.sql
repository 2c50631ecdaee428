-- The quarters of an hour in which there are events. No zone's days begin
-- anywhere else. Duplicates of an event have the same time, so they need not be merged.
SELECT DISTINCT toInt64(toUnixTimestamp(toStartOfFifteenMinutes(timestamp))) AS quarter
FROM event_log
