-- The gaps, in the order in which they were noticed.
SELECT topic, topic_id, partition, from_offset, to_offset, reason, noticed_by, noticed_at, accepted_at, accepted_by
FROM log_gaps
ORDER BY noticed_at, topic, partition, from_offset, noticed_by
