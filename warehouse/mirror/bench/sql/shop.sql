CREATE TABLE shop ENGINE = MergeTree ORDER BY n AS
SELECT
    number AS n,
    concat(hex(toUInt32(number)), '-1111-4222-8333-', leftPad(lower(hex(number)), 12, '0')) AS event_id,
    ['view', 'view', 'view', 'view', 'add_to_cart', 'purchase'][1 + rand(1) % 6] AS event_type,
    toDateTime64('2026-03-01 08:00:00', 3, 'UTC') + toIntervalMillisecond(intDiv(number * 7200000, {{.Rows}})) AS timestamp,
    concat('user_', toString(rand(2) % 50000)) AS user_id,
    concat('sess_', substring(user_id, 6)) AS session_id,
    -- A tenth of the products have most of the events.
    concat('prod_', leftPad(toString(toUInt32(10000 * pow(rand(3) / 4294967296, 4))), 5, '0')) AS product_id,
    'electronics' AS product_category, '' AS brand, '' AS currency, 'mobile' AS device_type, '' AS page_url, '' AS order_id, '' AS source,
    toDecimal64(rand(4) % 1000000 / 100, 4) AS price, 1 AS quantity, '' AS properties,
    product_id AS kafka_key, toInt32(cityHash64(product_id) % 12) AS kafka_partition, timestamp AS received_at,
    bitNot(number) AS offset_rank
FROM numbers({{.Rows}})
