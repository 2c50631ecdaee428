-- The rejected topic: where each record came from with its bytes, and why.
INSERT INTO {rejected:Identifier}
SELECT kafka_partition, kafka_offset, sipHash128(origin_kind, origin, origin_request, origin_partition, origin_position, value), sipHash128(reason, field, message, key)
FROM input('kafka_partition Int32, kafka_offset Int64, reason String, field String, message String, key String, value String, origin_kind String, origin String, origin_request String, origin_partition Int32, origin_position Int64')
FORMAT Native
