-- How many of the records in left_out, late or future, are their events' first
-- copies.
SELECT countIf(NOT left_out.future), countIf(left_out.future)
FROM events
INNER JOIN left_out ON events.kafka_partition = left_out.partition AND events.kafka_offset = left_out.offset
