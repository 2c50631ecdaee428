-- Users of a day by what they did.
SELECT
    countIf(segment = 'buyer') AS buyer,
    countIf(segment = 'window_shopper') AS window_shopper,
    countIf(segment = 'unknown') AS unknown,
    countIf(finer_segment = 'cart_abandoner') AS cart_abandoner,
    sum(revenue) AS revenue,
    sum(refunded) AS refunded
FROM user_segmentation_daily
WHERE day = {day:Date}
