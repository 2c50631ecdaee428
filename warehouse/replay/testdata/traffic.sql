-- So many events of two hours, in 12 partitions.
INSERT INTO event_log (event_id, event_type, timestamp, user_id, session_id, product_id, product_category, kafka_key, kafka_partition, offset_rank, received_at)
SELECT
    lower(hex(sipHash128(number))) AS event_id,
    ['view', 'view', 'view', 'view', 'add_to_cart', 'purchase'][number % 6 + 1] AS event_type,
    toDateTime64('2026-11-22 08:00:00', 3, 'UTC') + toIntervalMillisecond(intDiv(number * 7200000, {events:UInt64})) AS timestamp,
    concat('user_', toString(cityHash64(number, 1) % 50000)) AS user_id,
    concat('sess_', toString(cityHash64(number, 1) % 50000)) AS session_id,
    concat('prod_', toString(toUInt64(pow(10000, cityHash64(number, 2) / 18446744073709551616)))) AS product_id,
    'electronics' AS product_category,
    product_id AS kafka_key,
    toInt32(cityHash64(product_id) % 12) AS kafka_partition,
    bitNot(number) AS offset_rank,
    timestamp AS received_at
FROM numbers({events:UInt64})
