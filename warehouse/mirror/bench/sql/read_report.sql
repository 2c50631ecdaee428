SELECT product_id, countIf(event_type = 'view') AS views, uniqExactIf(user_id, event_type = 'view') AS viewers, countIf(event_type = 'purchase') AS purchases
FROM {{.Table}} FINAL
GROUP BY product_id
ORDER BY views DESC, product_id
LIMIT 5
FORMAT Null
