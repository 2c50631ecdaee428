-- The latest rejected rows, for people to look at.
SELECT origin, origin_position, reason, field, message, value
FROM rejected_events
WHERE origin_kind = 'file'
ORDER BY received_at DESC, origin, origin_position
LIMIT 10
