-- The days of the events that have to be looked up one by one.
SELECT toInt64(toUnixTimestamp(toDateTime(toDate(timestamp), 'UTC'))) * 1000 AS day, toInt64(count()) AS rows
FROM {decoded:Identifier}
WHERE kind = 0
GROUP BY day
ORDER BY day
