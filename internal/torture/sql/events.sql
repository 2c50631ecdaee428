-- Every event as the view shows it.
SELECT
    event_id, event_type, toUnixTimestamp64Milli(timestamp) AS timestamp, user_id, session_id, product_id, product_category, brand,
    currency, device_type, page_url, order_id, source, ifNull(toString(price), '') AS price, quantity, properties,
    kafka_key, kafka_partition, kafka_offset, toUnixTimestamp64Milli(received_at) AS received_at
FROM events
SETTINGS output_format_json_quote_64bit_integers = 0
FORMAT JSONEachRow
