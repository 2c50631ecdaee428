-- The times of the first and the last event that are stored.
SELECT toInt64(count()), toUnixTimestamp64Milli(min(timestamp)), toUnixTimestamp64Milli(max(timestamp))
FROM event_log
