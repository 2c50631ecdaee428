CREATE MATERIALIZED VIEW kafka_view TO event_log AS
SELECT
    event_id, event_type, parseDateTime64BestEffort(timestamp, 3, 'UTC') AS timestamp, user_id, session_id, product_id,
    product_category, brand, currency, device_type, page_url, order_id, source, price, if(quantity = 0, 1, quantity) AS quantity, properties,
    _key AS kafka_key, toInt32(_partition) AS kafka_partition, bitNot(toUInt64(_offset)) AS offset_rank,
    _timestamp_ms AS received_at
FROM kafka_engine
