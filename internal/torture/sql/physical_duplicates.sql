-- How often the table holds a record of the log another time.
SELECT count() - uniqExact(kafka_partition, kafka_offset)
FROM event_log
