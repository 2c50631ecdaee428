-- The logs that are stored in these tables: one, unless something is
-- wrong. Two instances may have written the same row at once, each with its own
-- table_set: the lower one counts.
SELECT topic, cluster_id, topic_id, partitions, toString(min(table_set))
FROM log_identity
GROUP BY topic, cluster_id, topic_id, partitions
ORDER BY min(recorded_at)
