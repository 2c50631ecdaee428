-- Views and purchases of the product that was in a flash sale last.
WITH
    (
        SELECT product_id
        FROM flash_sale_alerts
        WHERE $__timeFilter_ms(window_start)
          AND status != 'retracted'
        -- Of several at the same time the one with the most views.
        ORDER BY window_start DESC, views DESC, product_id
        LIMIT 1
    ) AS flash_sale_product
SELECT
    $__timeInterval(timestamp) AS time,
    countIf(event_type = 'view') AS views,
    countIf(event_type = 'purchase') AS purchases
FROM events
WHERE $__timeFilter_ms(timestamp)
  AND event_type IN ('view', 'purchase')
  -- Events of a product have it as their key, and the key is in the sort key.
  AND kafka_key = flash_sale_product
  AND product_id = flash_sale_product
GROUP BY time
ORDER BY time WITH FILL STEP $__interval_s
