-- How many views became carts and purchases, by category, on one day of the
-- shop.
INSERT INTO {staging:Identifier}
SELECT
    {day:Date} AS day,
    if(product_category = '', 'unknown', product_category) AS category,
    countIf(event_type = 'view') AS views,
    countIf(event_type = 'add_to_cart') AS carts,
    countIf(event_type = 'purchase') AS purchases,
    if(views = 0, 0, round(100 * purchases / views, 4)) AS view_to_purchase,
    if(views = 0, 0, round(100 * carts / views, 4)) AS view_to_cart,
    if(carts = 0, 0, round(100 * purchases / carts, 4)) AS cart_to_purchase,
    {run_id:UUID} AS run_id
FROM events
WHERE timestamp >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
  AND timestamp < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
  AND kafka_offset < {offsets:Array(Int64)}[kafka_partition + 1]
  AND event_type IN ('view', 'add_to_cart', 'purchase')
GROUP BY category
