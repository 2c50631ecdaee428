-- The logs that are stored in these tables: one, unless something is wrong. Two
-- instances may have written the same row at once.
SELECT topic, cluster_id, topic_id, partitions
FROM log_identity
GROUP BY topic, cluster_id, topic_id, partitions
ORDER BY min(recorded_at)
