-- A rejected record may be no JSON at all: the id is looked for in its bytes.
SELECT reason, field, message, origin, origin_partition, origin_position, received_at
FROM rejected_events
WHERE position(value, {id:String}) > 0
ORDER BY received_at
LIMIT 100
