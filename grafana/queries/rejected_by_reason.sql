-- What was rejected in the time shown, why, and the newest example of each.
SELECT
    reason,
    field,
    count() AS records,
    max(received_at) AS last_seen,
    argMax(message, received_at) AS example,
    argMax(origin, received_at) AS came_from
FROM rejected_events
WHERE $__timeFilter_ms(received_at)
GROUP BY reason, field
ORDER BY records DESC, reason, field
LIMIT 100
