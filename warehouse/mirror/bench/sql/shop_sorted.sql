CREATE TABLE shop_sorted ENGINE = MergeTree
ORDER BY (intDiv(n, {{.BlockRows}}), event_type, toStartOfHour(timestamp), kafka_key, timestamp, event_id) AS
SELECT * FROM shop
