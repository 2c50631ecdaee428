-- The alerts topic, as ClickHouse reads its JSON.
INSERT INTO {emitted:Identifier}
WITH JSONExtract(value, 'Tuple(alert_id String, rule String, product_id String, window_start String, window_end String, status String, views UInt64, purchases UInt64, conversion_rate Float64, version UInt64, episode_id String, exact Bool)') AS a
SELECT kafka_partition, kafka_offset, a.alert_id, a.version,
    sipHash128(a.alert_id, a.rule, a.product_id, parseDateTime64BestEffortOrZero(a.window_start, 3, 'UTC'), parseDateTime64BestEffortOrZero(a.window_end, 3, 'UTC'),
        a.status, a.views, a.purchases, a.conversion_rate, a.version, a.episode_id, a.exact)
FROM input('kafka_partition Int32, kafka_offset Int64, value String')
WHERE a.alert_id != ''
FORMAT Native
