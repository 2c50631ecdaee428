-- Each row of the view as the text that its record has on the log: the fields in
-- their order, without those that are empty. A row whose values need an escape in
-- JSON has another text; its record is decoded and compared by column.
INSERT INTO {stored:Identifier}
WITH
    '"' AS quote,
    concat(
        '{"event_id":"', event_id, '","event_type":"', event_type, '","timestamp":"', replaceOne(toString(timestamp), ' ', 'T'), 'Z"',
        if(user_id = '', '', concat(',"user_id":"', user_id, quote)),
        if(session_id = '', '', concat(',"session_id":"', session_id, quote)),
        if(product_id = '', '', concat(',"product_id":"', product_id, quote)),
        if(product_category = '', '', concat(',"product_category":"', product_category, quote)),
        if(brand = '', '', concat(',"brand":"', brand, quote)),
        if(currency = '', '', concat(',"currency":"', currency, quote)),
        if(device_type = '', '', concat(',"device_type":"', device_type, quote)),
        if(page_url = '', '', concat(',"page_url":"', page_url, quote)),
        if(order_id = '', '', concat(',"order_id":"', order_id, quote)),
        if(source = '', '', concat(',"source":"', source, quote)),
        if(isNull(price), '', concat(',"price":', toString(assumeNotNull(price)))),
        if(quantity = 1, '', concat(',"quantity":', toString(quantity))),
        if(properties = '', '', concat(',"properties":', properties)),
        '}') AS text
SELECT kafka_partition, kafka_offset, toUnixTimestamp64Milli(received_at), toUnixTimestamp64Milli(timestamp),
    indexOf({types:Array(String)}, event_type) AS type, if(type = 0, '', product_id),
    cityHash64(kafka_key, event_id), cityHash64(event_type, timestamp),
    -- The value and after it the key.
    murmurHash3_128(concat(text, kafka_key))
FROM events
WHERE timestamp >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND timestamp < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
    -- Partitions that the log does not have are extra; what came before or later is left out.
    AND (kafka_partition < 0 OR kafka_partition >= length({ends:Array(Int64)})
        OR (kafka_offset >= {starts:Array(Int64)}[kafka_partition + 1] AND kafka_offset < {ends:Array(Int64)}[kafka_partition + 1]))
-- By default a part has a million rows, which are in memory several times while it
-- is made.
SETTINGS max_threads = 2, max_block_size = 16384, max_insert_threads = 1, min_insert_block_size_rows = 500000, output_format_decimal_trailing_zeros = 0
