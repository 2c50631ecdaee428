-- A day's views, carts and purchases of all categories, and the change of
-- purchases per view to the day before and to the mean of those of the seven
-- days before that had views, as conversion_rates_compared has it for each
-- category.
WITH days AS
(
    SELECT
        day AS of_day,
        sum(views) AS day_views,
        sum(carts) AS day_carts,
        sum(purchases) AS day_purchases,
        if(day_views = 0, NULL, round(100 * day_purchases / day_views, 4)) AS rate
    FROM conversion_rate_daily
    WHERE day BETWEEN {day:Date} - 7 AND {day:Date}
    GROUP BY day
)
SELECT
    sumIf(day_views, of_day = {day:Date}) AS views,
    sumIf(day_carts, of_day = {day:Date}) AS carts,
    sumIf(day_purchases, of_day = {day:Date}) AS purchases,
    ifNull(anyOrNullIf(rate, of_day = {day:Date}), 0) AS view_to_purchase,
    if(views = 0, NULL, round(view_to_purchase - anyOrNullIf(rate, of_day = {day:Date} - 1), 4)) AS change_to_day_before,
    if(views = 0, NULL, round(view_to_purchase - avgOrNullIf(rate, of_day < {day:Date}), 4)) AS change_to_7_day_mean
FROM days
