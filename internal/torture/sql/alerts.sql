-- The alerts as the view shows them.
SELECT
    alert_id, rule, product_id, toUnixTimestamp64Milli(window_start) AS window_start, toUnixTimestamp64Milli(window_end) AS window_end,
    status, views, purchases, conversion_rate, version, exact
FROM flash_sale_alerts
SETTINGS output_format_json_quote_64bit_integers = 0
FORMAT JSONEachRow
