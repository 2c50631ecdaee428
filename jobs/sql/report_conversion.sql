SELECT category, views, carts, purchases, view_to_purchase, change_to_day_before, change_to_7_day_mean, is_best, is_worst
FROM conversion_rates_compared
WHERE day = {day:Date}
ORDER BY category
