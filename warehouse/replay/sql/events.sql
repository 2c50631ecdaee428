-- The events of a partition in the order of the log. A sort that does not fit into
-- memory goes to the disk.
SELECT
    kafka_offset,
    toUnixTimestamp64Milli(received_at) AS received,
    toUnixTimestamp64Milli(timestamp) AS time,
    event_type,
    event_id,
    product_id,
    if(product_id = '', kafka_key, '') AS other_key
FROM event_log
PREWHERE kafka_partition = {partition:Int32}
WHERE timestamp >= fromUnixTimestamp64Milli({first:Int64}, 'UTC')
  AND kafka_offset <= {last_offset:Int64}
ORDER BY kafka_offset
SETTINGS max_bytes_before_external_sort = 268435456
