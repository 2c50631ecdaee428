-- Windows in which a product was in a flash sale, by when they begin: still
-- open, closed and confirmed, or taken back because purchases came after all.
SELECT
    $__timeInterval(window_start) AS time,
    countIf(status = 'firing') AS firing,
    countIf(status = 'confirmed') AS confirmed,
    countIf(status = 'retracted') AS retracted
FROM flash_sale_alerts
WHERE $__timeFilter_ms(window_start)
GROUP BY time
ORDER BY time WITH FILL STEP $__interval_s
