SELECT rank, product_id, category, views, unique_viewers, average_price, purchases, rank_change
FROM top_products_compared
WHERE day = {day:Date}
ORDER BY rank
