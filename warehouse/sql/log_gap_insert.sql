INSERT INTO gap_log (topic, topic_id, partition, from_offset, to_offset, reason, noticed_by, noticed_at, accepted_at, accepted_by)
