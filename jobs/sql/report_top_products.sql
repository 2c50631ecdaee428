SELECT rank, product_id, category, views, unique_viewers, toFloat64(average_price) AS average_price, rank_change
FROM top_products_compared
WHERE day = {day:Date}
ORDER BY rank
