-- What each user did on one day of the shop.
INSERT INTO {staging:Identifier}
SELECT
    {day:Date} AS day,
    user_id,
    multiIf(purchases > 0, 'buyer', views + carts > 0, 'window_shopper', 'unknown') AS segment,
    multiIf(purchases > 0, 'buyer', carts > 0, 'cart_abandoner', views > 0, 'browser', 'unknown') AS finer_segment,
    countIf(event_type = 'view') AS views,
    countIf(event_type = 'add_to_cart') AS carts,
    countIf(event_type = 'purchase') AS purchases,
    count() AS events,
    -- 38 digits: price times quantity may pass the 18 of a price, and a sum
    -- that overflows would fail the day for good.
    sumIf(toDecimal128(ifNull(price, 0), 4) * quantity, event_type = 'purchase') AS revenue,
    sumIf(toDecimal128(ifNull(price, 0), 4) * quantity, event_type = 'refund') AS refunded,
    {run_id:UUID} AS run_id
FROM events
WHERE timestamp >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
  AND timestamp < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
  -- The mirror goes on storing: only what the log held when the run began
  -- counts. A partition without an offset has 0 here, and so nothing to read.
  AND kafka_offset < {offsets:Array(Int64)}[kafka_partition + 1]
  AND user_id != ''
GROUP BY user_id
