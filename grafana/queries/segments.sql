-- How many users were buyers, window shoppers or neither on the last day
-- reported on before the end of the time shown.
SELECT
    segment,
    count() AS users
FROM user_segmentation_daily
WHERE day = (SELECT max(day) FROM user_segmentation_daily WHERE day <= toDate($__toTime))
GROUP BY segment
ORDER BY users DESC, segment
