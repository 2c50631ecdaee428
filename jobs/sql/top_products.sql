-- The most viewed products of one day of the shop.
INSERT INTO {staging:Identifier}
WITH
    -- First which products, then everything about these few: sets of viewers
    -- are kept for them only.
    most_viewed AS
    (
        SELECT product_id
        FROM events
        WHERE timestamp >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
          AND timestamp < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
          AND kafka_offset < {offsets:Array(Int64)}[kafka_partition + 1]
          AND event_type = 'view'
        GROUP BY product_id
        ORDER BY count() DESC, product_id
        LIMIT {top:UInt32}
    )
SELECT
    {day:Date} AS day,
    row_number() OVER (ORDER BY views DESC, product_id) AS rank,
    product_id,
    if(last_category = '', 'unknown', last_category) AS category,
    views,
    unique_viewers,
    round(views / unique_viewers, 4) AS views_per_viewer,
    -- Five places, cut, are enough to round four of them right.
    if(priced_views = 0, 0, round(divideDecimal(prices, toDecimal128(priced_views, 0), 5), 4)) AS average_price,
    carts,
    purchases,
    round(100 * carts / views, 4) AS view_to_cart,
    round(100 * purchases / views, 4) AS view_to_purchase,
    if(carts = 0, 0, round(100 * purchases / carts, 4)) AS cart_to_purchase,
    revenue,
    refunded,
    {run_id:UUID} AS run_id
FROM
(
    SELECT
        product_id,
        -- Offsets tell events of one time apart: a product has one partition.
        argMaxIf(product_category, (timestamp, kafka_offset), product_category != '') AS last_category,
        countIf(event_type = 'view') AS views,
        -- A pair, so that a session is never taken for the user of that name.
        uniqExactIf((user_id, if(user_id = '', session_id, '')), event_type = 'view') AS unique_viewers,
        countIf(event_type = 'view' AND price IS NOT NULL) AS priced_views,
        sumIf(toDecimal128(ifNull(price, 0), 4), event_type = 'view') AS prices,
        countIf(event_type = 'add_to_cart') AS carts,
        countIf(event_type = 'purchase') AS purchases,
        sumIf(toDecimal128(ifNull(price, 0), 4) * quantity, event_type = 'purchase') AS revenue,
        sumIf(toDecimal128(ifNull(price, 0), 4) * quantity, event_type = 'refund') AS refunded
    FROM events
    WHERE timestamp >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
      AND timestamp < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
      AND kafka_offset < {offsets:Array(Int64)}[kafka_partition + 1]
      AND product_id IN (most_viewed)
    GROUP BY product_id
)
