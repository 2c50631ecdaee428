-- The time of the last event that a demo has generated lately; 1970 if there is
-- none.
SELECT max(timestamp)
FROM events
WHERE source = 'generator' AND timestamp >= {from:DateTime64(3, 'UTC')} AND timestamp <= now64(3)
