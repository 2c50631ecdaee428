-- Until when a demo has made traffic lately; 1970 if it has not.
SELECT max(timestamp)
FROM events
WHERE source = 'generator' AND timestamp >= {from:DateTime64(3, 'UTC')} AND timestamp <= now64(3)
