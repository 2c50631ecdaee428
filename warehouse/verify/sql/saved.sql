-- How far a run has come, and how many seconds ago that was kept.
SELECT key, released, toFloat64(dateDiff('second', saved_at, now64(3))), begins, ends, stored_to, next, last_values, matched
FROM {name:Identifier}
ORDER BY saved_at DESC
LIMIT 1
