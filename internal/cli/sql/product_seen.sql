-- Whether an event of the product is stored that happened in the last week.
SELECT count() > 0 AS seen
FROM
(
    SELECT 1
    FROM event_log
    WHERE kafka_key = {product:String} AND product_id = {product:String} AND timestamp > now64(3) - INTERVAL 7 DAY
    LIMIT 1
)
